"""A number with its error."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """A value and the standard error of that value, in the same unit; ``stderr`` is 0 for exact quantities."""

    value: float
    stderr: float
