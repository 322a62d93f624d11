"""What a confound is, and how a curve is averaged over the points that are judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from critlab.analysis.curve import Curve, Place
from critlab.analysis.statistics import MINIMUM_SEEDS, Summary, summarise

Status = Literal["clear", "suspect", "unknown"]


@dataclass(frozen=True)
class Confound:
    """Another explanation of the curve.

    Args:
        name: ``training accuracy``, ``negative control <arm>``, ``learning rate``, with ``(constant)`` or ``(half a
            cosine)`` for those clocks, ``learning rate at the onset``, ``equal total`` or ``timing``.
        status: ``clear``: the data speak against it; ``suspect``: they fit it; ``unknown``: they do not tell.
        sentence: why, with numbers; where unknown, how to find out.
    """

    name: str
    status: Status
    sentence: str


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
