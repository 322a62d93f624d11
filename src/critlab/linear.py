"""The public names of :mod:`critlab.theory.linear`, the theory of paper 3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from critlab.theory import linear as _linear

if TYPE_CHECKING:
    from critlab.theory.linear import *  # noqa: F403

__all__ = _linear.__all__


def __getattr__(name: str) -> Any:
    if name in _linear.__all__:
        return getattr(_linear, name)
    raise AttributeError(f"module 'critlab.linear' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
