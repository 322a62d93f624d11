"""The public names of :mod:`critlab.theory.kernels`, the theory of paper 4."""

from typing import TYPE_CHECKING

from critlab.theory import kernels as _kernels

if TYPE_CHECKING:
    from critlab.theory.kernels import *  # noqa: F403
else:
    __getattr__, __dir__, __all__ = _kernels.__getattr__, _kernels.__dir__, _kernels.__all__
