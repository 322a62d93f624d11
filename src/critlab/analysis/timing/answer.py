"""The answer to "when should I flip this switch?" as values: best time, plateau, cost of other times, and the curve."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from critlab.analysis.statistics.summary import LEVEL, MINIMUM_SEEDS, Floats, t_quantile
from critlab.analysis.timing.comparisons import Bools, Comparisons, compare
from critlab.analysis.timing.noise import Layout, additive_layout
from critlab.analysis.timing.smoothing import LEAST_NOISE, SmoothCurve, smooth_curve
from critlab.analysis.timing.table import Goal, TimingTable


class BestTime(NamedTuple):
    """The best time.

    Args:
        epoch: where the smoothed curve is best among the tried times that are not worse than another.
        low: the first epoch that may be the best: the one after the last earlier time that is worse than another.
        high: the last one.
    """

    epoch: int
    low: int
    high: int


class Plateau(NamedTuple):
    """Neighbouring times, both included, that are not worse than the best by more than the tolerance."""

    low: int
    high: int


class Cost(NamedTuple):
    """What a time costs against the best, in the unit of the metric, at least 0 apart from the estimate's noise.

    Args:
        epoch: the time.
        estimate: best of the smoothed curve minus its value at the time.
        low: lower limit.
        high: upper limit; the two hold at the level of the answer, each on its side.
        worse: whether the time is found worse than another.
    """

    epoch: int
    estimate: float
    low: float
    high: float
    worse: bool


PresentTime = Cost


class CurvePoint(NamedTuple):
    """One time on the curve.

    Args:
        epoch: the time.
        seeds: that have it; 0 for a candidate.
        value: of the smoothed curve, in the unit of the metric, as of the mean seed.
        low: lower limit of its 95 % interval, one time alone, relative to the mean of the curve.
        high: upper limit.
        deficit: how much worse than the best of the curve, in the unit of the metric.
        deficit_high: its upper limit at the level of the answer.
        worse: whether some tried time is better.
        chance_best: probability that it is the best of all times, candidates included.
        chance_better: probability that it is better than every tried time by more than the tolerance.
    """

    epoch: int
    seeds: int
    value: float
    low: float
    high: float
    deficit: float
    deficit_high: float
    worse: bool
    chance_best: float
    chance_better: float


@dataclass(frozen=True)
class Timing:
    """The answer for one metric.

    Args:
        best: the best time with the interval that holds it.
        plateau: the times around ``best.epoch`` that are not worse than the best by more than the tolerance. The
            estimate is at most the tolerance, and it is shown that no time of it is worse by more than twice that.
        also: further such stretches, in order, as where a curve has two peaks.
        matters: whether some time is found worse than another. Where not, the switch is found to do nothing.
        none_better: whether no time is found better than never; None where no run is without the flip.
        never: what never flipping costs against the best; its ``high`` is the largest gain that is not excluded. None
            in the same case.
        present: what the user's present time costs; None where none was given.
        points: the curve.
        seeds: in the table.
        tolerance: in the unit of the metric.
        goal: whether more or less is better.
        level: of the comparisons together, one-sided.
        decided: whether every tried time is either worse than another or shown to be at most twice the tolerance worse
            than the best, and no candidate is likely to be better.
    """

    best: BestTime
    plateau: Plateau
    also: tuple[Plateau, ...]
    matters: bool
    none_better: bool | None
    never: Cost | None
    present: Cost | None
    points: tuple[CurvePoint, ...]
    seeds: int
    tolerance: float
    goal: Goal
    level: float
    decided: bool


PROMISING = 0.1
"""A candidate is worth a run where it is better than every tried time by more than the tolerance with this chance."""


def judge_timing(
    table: TimingTable,
    *,
    tolerance: float,
    goal: Goal = "max",
    present: int | None = None,
    level: float = LEVEL,
    least_sd: float = 0.0,
) -> Timing:
    """The best time of ``table`` with its interval, its plateau, and what other times cost.

    Ours. Times are compared through a smoothed curve (:mod:`~critlab.analysis.timing.smoothing`), all pairs at once
    (:mod:`~critlab.analysis.timing.comparisons`), paired by seed. A table that is judged several times while it grows
    needs a smaller level: see :class:`~critlab.analysis.timing.further.Design`.

    Args:
        table: at least one time must have a seed.
        tolerance: the largest loss that does not matter, in the unit of the metric; above 0.
        goal: ``"max"`` or ``"min"``.
        present: the time at which the user flips the switch today; a time of the table.
        level: one-sided, of all comparisons of this look.
        least_sd: the least standard deviation of a run over seeds, where scores are rounded.

    Raises:
        ValueError: the table is empty, ``tolerance`` is not above 0, or ``present`` is not one of its times.

    Error: with fewer than three seeds nothing is found worse, and the plateau is the best time alone. Between two tried
    times of the plateau the curve is interpolated. See ``evidence/when_planted.py`` for error rates.

    Cost: about 10 milliseconds for a dozen times.
    """
    if not tolerance > 0:
        raise ValueError(f"tolerance: received {tolerance}; must be above 0")
    if present is not None and present not in table.times:
        raise ValueError(f"present: received {present}; must be one of the times {table.times}")
    tried = table.known > 0
    if not tried.any():
        raise ValueError("received a table without a known cell; give at least one")
    values = table.rising(goal)
    layout = additive_layout(values, max(LEAST_NOISE * tolerance, least_sd))
    curve = smooth_curve(table.times, layout, table.never is not None, tolerance)
    found = compare(curve, tried, level)
    if len(table.seeds) < MINIMUM_SEEDS:
        found = found._replace(worse=np.zeros_like(found.worse))
    points = tuple(_points(table, values, curve, layout, found, tolerance, level, goal))
    best = _best(table, found, tried, 1e-6 * tolerance)
    stretches = _stretches(table, points, tolerance, best)
    around = next(one for one in stretches if one.low <= table.times[best] <= one.high)
    never = None if table.never is None or not tried[-1] else _cost(table, found, len(tried) - 1, level)
    return Timing(
        best=_interval(table, found, tried, best),
        plateau=around,
        also=tuple(one for one in stretches if one != around),
        matters=bool(found.worse[tried].any()),
        none_better=None if never is None else not never.worse,
        never=never,
        present=None if present is None else _cost(table, found, table.times.index(present), level),
        points=points,
        seeds=len(table.seeds),
        tolerance=tolerance,
        goal=goal,
        level=level,
        decided=len(table.seeds) >= MINIMUM_SEEDS and all(is_decided(one, tolerance) for one in points),
    )


def is_decided(point: CurvePoint, tolerance: float) -> bool:
    """Whether no further run of that time is needed."""
    if point.seeds == 0:
        return point.chance_better < PROMISING
    return point.worse or point.deficit_high <= 2 * tolerance


def _best(table: TimingTable, found: Comparisons, tried: Bools, slack: float) -> int:
    """The place of the best tried time; of those that are equal within ``slack``, never, and then the earliest."""
    deficit = np.where(tried & ~found.worse, found.mean_deficit, np.inf)
    equal = np.flatnonzero(deficit <= deficit.min() + slack)
    last = len(tried) - 1
    return last if table.never is not None and last in equal else int(equal[0])


def _interval(table: TimingTable, found: Comparisons, tried: Bools, best: int) -> BestTime:
    """From the first to the last time that is not worse, and up to the next times that are."""
    kept = np.flatnonzero(~found.worse)
    first, last = min(int(kept[0]), best), max(int(kept[-1]), best)
    low = table.times[first] if first == 0 else table.times[first - 1] + 1
    high = table.times[last] if last == len(tried) - 1 else table.times[last + 1] - 1
    return BestTime(table.times[best], low, high)


def _stretches(table: TimingTable, points: Sequence[CurvePoint], tolerance: float, best: int) -> list[Plateau]:
    """The plateau's stretches: neighbouring tried times, each estimated and shown to be near the best."""
    places = np.flatnonzero(table.known > 0)
    enough = len(table.seeds) >= MINIMUM_SEEDS
    near = np.array([enough and one.deficit <= tolerance and one.deficit_high <= 2 * tolerance for one in points])
    near[best] = True
    cuts = np.flatnonzero(np.diff(near[places].astype(int))) + 1
    runs = [run for run in np.split(places, cuts) if near[run[0]]]
    return [Plateau(table.times[run[0]], table.times[run[-1]]) for run in runs]


def _cost(table: TimingTable, found: Comparisons, place: int, level: float) -> Cost:
    low, high = np.quantile(found.deficit[:, place], [level, 1 - level])
    estimate = float(found.mean_deficit[place])
    return Cost(table.times[place], estimate, float(low), float(high), bool(found.worse[place]))


def _points(
    table: TimingTable,
    values: Floats,
    curve: SmoothCurve,
    layout: Layout,
    found: Comparisons,
    tolerance: float,
    level: float,
    goal: Goal,
) -> Iterator[CurvePoint]:
    tried, sign = table.known > 0, 1.0 if goal == "max" else -1.0
    constant = float(np.nanmean(_seed_parts(values, curve.mean)))
    centring = np.eye(len(tried)) - tried / tried.sum()
    spread = np.sqrt(np.maximum(np.diag(centring @ curve.covariance @ centring.T), 0.0))
    half = spread * float(t_quantile(1 - LEVEL, max(layout.freedom, 1.0)))
    firsts = found.deficit.argmin(1)
    upper = np.quantile(found.deficit, 1 - level, axis=0)
    for place, epoch in enumerate(table.times):
        value = float(curve.mean[place]) + constant
        limits = sorted((sign * (value - half[place]), sign * (value + half[place])))
        yield CurvePoint(
            epoch=epoch,
            seeds=int(table.known[place]),
            value=sign * value,
            low=float(limits[0]),
            high=float(limits[1]),
            deficit=float(found.mean_deficit[place]),
            deficit_high=float(upper[place]),
            worse=bool(found.worse[place]),
            chance_best=float((firsts == place).mean()),
            chance_better=float((found.deficit[:, place] < -tolerance).mean()),
        )


def _seed_parts(values: Floats, mean: Floats) -> Sequence[float]:
    """The part of each seed that has a cell."""
    known = ~np.isnan(values)
    return [
        float((column[seen] - mean[seen]).mean()) for column, seen in zip(values.T, known.T, strict=True) if seen.any()
    ]
