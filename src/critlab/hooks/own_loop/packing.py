"""``critlab.hooks.own_loop.packing``: the public place of :mod:`critlab.training.states.packing`."""

from critlab.training.states.packing import STRUCTURE as STRUCTURE
from critlab.training.states.packing import Arrays as Arrays
from critlab.training.states.packing import pack as pack
from critlab.training.states.packing import unpack as unpack
