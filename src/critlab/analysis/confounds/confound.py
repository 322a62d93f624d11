"""What a confound is, and how a curve is averaged over the points that are judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from critlab.analysis.curve import Curve, Place
from critlab.analysis.statistics import MINIMUM_SEEDS, Summary, summarise

Status = Literal["clear", "suspect", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Confound:
    """Another explanation of the curve; each kind is a class of its own.

    Args:
        status: ``clear``: the data contradict it; ``suspect``: they agree with it; ``unknown``: they cannot decide.
        at: the judged points over which the numbers are averaged.
        effect: what was measured, a fraction of accuracy; each kind says what. None where nothing was.
        damage: the deficit's damage at the same points; None where it is not known, or not compared.
    """

    status: Status
    at: tuple[Place, ...] = ()
    effect: Summary | None = None
    damage: Summary | None = None

    @property
    def name(self) -> str:
        """Which confound, unique in a verdict."""
        raise NotImplementedError


def by_seed(of: Curve, judged: Sequence[Place], field: str = "damage") -> dict[int, float]:
    """Each seed's mean of ``field`` over the judged points; only seeds that have it at all of them."""
    values = [{s.seed: getattr(s, field) for s in point.seeds} for point in of.points if point.at in judged]
    if not values or len(values) < len(judged):
        return {}
    values = [{seed: value for seed, value in known.items() if value is not None} for known in values]
    shared = set.intersection(*map(set, values))
    return {seed: sum(known[seed] for known in values) / len(values) for seed in sorted(shared)}


def difference(first: dict[int, float], second: dict[int, float]) -> Summary | None:
    """First minus second over the seeds that have both; None where none has."""
    values = [first[seed] - second[seed] for seed in first if seed in second]
    return summarise(values) if values else None


def mean(values: dict[int, float]) -> Summary | None:
    """Over the seeds; None where there are none."""
    return summarise(list(values.values())) if values else None


def limits(summary: Summary) -> tuple[float, float]:
    """The interval; unbounded where there are too few seeds for one to mean much."""
    if summary.n < MINIMUM_SEEDS or summary.low is None or summary.high is None:
        return -float("inf"), float("inf")
    return summary.low, summary.high


def shared_places(judged: Sequence[Place], other: Curve) -> tuple[Place, ...]:
    """The judged points at which another curve has results."""
    return tuple(at for at in judged if any(at == point.at for point in other.tested))
