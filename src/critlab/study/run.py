"""A run: one network's whole training, as a choice of deficit, window, clock and length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from critlab.deficits import Deficit
from critlab.errors import StudyError
from critlab.study.choices import Clock

Role = Literal["control", "deficit", "negative_control", "clock_control", "restarted_control", "equal_total_control"]
Against = Literal["plain", "restarted", "equal_total"]


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


@dataclass(frozen=True)
class Run:
    """One network's training, the same for every seed.

    Args:
        name: stable and readable; unique in its study.
        arm: the curve that the run is a point of.
        role: what the run is for.
        at: its place on that curve: removal epoch, ``"never"``, or onset.
        deficit: None for a clean run.
        window: when the deficit is on. A clean run under ``since_removal`` has an empty window where its schedule
            restarts.
        clock: which clock the learning rate follows.
        total: epochs in all.
        controls: the clean runs that it is compared with, the first one first of all.
    """

    name: str
    arm: str
    role: Role
    at: int | Literal["never"]
    deficit: Deficit | None
    window: Window
    clock: Clock
    total: int
    controls: tuple[tuple[Against, str], ...] = ()

    def identifier(self, seed: int) -> str:
        """The readable name of the run with one seed."""
        return f"{self.name}-seed{seed}"
