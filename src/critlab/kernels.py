"""The public names of :mod:`critlab.theory.kernels`, the theory of paper 4."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from critlab.theory import kernels as _kernels

if TYPE_CHECKING:
    from critlab.theory.kernels import *  # noqa: F403

__all__ = _kernels.__all__


def __getattr__(name: str) -> Any:
    if name in _kernels.__all__:
        return getattr(_kernels, name)
    raise AttributeError(f"module 'critlab.kernels' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
