"""What a reader of a curve must know: typed values, which ``report.text`` puts into words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ControlPoint:
    """The first point of the curve is the control itself.

    Args:
        at: its place.
        n: seeds.
        is_background: whether its damage is that of the background; else it is 0 by definition.
    """

    at: int | str
    n: int
    is_background: bool


@dataclass(frozen=True)
class NeverRemoved:
    """One point has a deficit that is never removed; no verdict is about it."""


@dataclass(frozen=True)
class Diverged:
    """Runs of the curve diverged and enter no mean."""

    runs: int


@dataclass(frozen=True)
class Unfinished:
    """Pairs of run and control are missing or failed, or the control diverged; they enter no mean."""

    pairs: int


@dataclass(frozen=True)
class MixedMachines:
    """Pairs of run and control were made on more than one kind of machine or version of torch."""

    pairs: int


@dataclass(frozen=True)
class SingleSeed:
    """Points with one seed have no interval."""


CurveNote = ControlPoint | NeverRemoved | Diverged | Unfinished | MixedMachines | SingleSeed
