"""Several metrics at once, and cost: which times no other time beats in everything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from critlab.analysis.timing.answer import Timing
from critlab.analysis.timing.costs import Costs

SLACK = 0.001
"""Values within this part of the tolerance count as equal."""


class Tradeoff(NamedTuple):
    """One tried time.

    Args:
        epoch: the time.
        values: of each metric's smoothed curve, in its own unit.
        near: by metric, whether the time lies on its plateau; None where its times cannot be compared.
        cost: of one training; None where no cost is known.
        beaten: whether some other time is at least as good in every metric and in cost, and better in one; None where
            times cannot be compared in one of the metrics.
    """

    epoch: int
    values: Mapping[str, float]
    near: Mapping[str, bool | None]
    cost: float | None
    beaten: bool | None


def tradeoffs(timings: Mapping[str, Timing], costs: Costs | None) -> tuple[Tradeoff, ...]:
    """The table of tried times.

    ``beaten`` compares smoothed curves, without their errors: it orders the table and decides nothing.
    """
    tried = [one.epoch for one in next(iter(timings.values())).points if one.seeds > 0]
    curves = {name: {one.epoch: one for one in timing.points} for name, timing in timings.items()}
    compared = not any(timing.reason for timing in timings.values())
    slack = [SLACK * timing.tolerance for timing in timings.values()] + ([0.0] if costs else [])
    losses = {
        time: [curves[name][time].deficit for name in timings] + ([costs.by_time[time]] if costs else [])
        for time in tried
    }
    return tuple(
        Tradeoff(
            epoch=time,
            values={name: curves[name][time].value for name in timings},
            near={name: timing.on_plateau(time) for name, timing in timings.items()},
            cost=costs.by_time[time] if costs else None,
            beaten=any(_beats(losses[other], losses[time], slack) for other in tried) if compared else None,
        )
        for time in tried
    )


def _beats(ours: list[float], theirs: list[float], slack: list[float]) -> bool:
    both = list(zip(ours, theirs, slack, strict=True))
    return all(one <= other + least for one, other, least in both) and any(
        one < other - least for one, other, least in both
    )
