"""A stretch of whole epochs."""

from __future__ import annotations

from dataclasses import dataclass

from critlab._core.errors import StudyError


@dataclass(frozen=True)
class Window:
    """Half-open ``[start, stop)``, in whole epochs trained; empty where both are equal."""

    start: int
    stop: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.stop:
            raise StudyError(f"window: received [{self.start}, {self.stop}); must have 0 <= start <= stop")

    def __contains__(self, epoch: int) -> bool:
        return self.start <= epoch < self.stop
