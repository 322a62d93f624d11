"""A number with its error."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """A value and the standard error of that value, in the same unit; ``stderr`` is 0 for exact quantities."""

    value: float
    stderr: float

    def _repr_html_(self) -> str:
        return f"{self.value:.4g} ± {self.stderr:.2g}" if self.stderr else f"{self.value:.4g}"
