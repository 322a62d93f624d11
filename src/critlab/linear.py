"""The public names of :mod:`critlab.theory.linear`, the theory of paper 3."""

from typing import TYPE_CHECKING

from critlab.theory import linear as _linear

if TYPE_CHECKING:
    from critlab.theory.linear import *  # noqa: F403
else:
    __getattr__, __dir__, __all__ = _linear.__getattr__, _linear.__dir__, _linear.__all__
