"""The answer to "when should I flip this switch?" from a table of scores by time and seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from critlab.analysis.statistics.summary import LEVEL, Floats, t_quantile
from critlab.analysis.timing.comparisons import Bools, Comparisons, compare
from critlab.analysis.timing.noise import Layout, additive_layout
from critlab.analysis.timing.smoothing import LEAST_NOISE, SmoothCurve, smooth_curve
from critlab.analysis.timing.support import Support, table_support
from critlab.analysis.timing.table import Goal, TimingTable
from critlab.analysis.timing.values import BestTime as BestTime
from critlab.analysis.timing.values import Cost as Cost
from critlab.analysis.timing.values import CurvePoint as CurvePoint
from critlab.analysis.timing.values import Plateau as Plateau
from critlab.analysis.timing.values import PresentTime as PresentTime
from critlab.analysis.timing.values import Timing as Timing

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

    Error: where times cannot be compared (``reason`` of the answer), such as with fewer than three seeds, nothing is
    found worse and nothing is excluded. Between two tried times of the plateau the curve is interpolated. See
    ``evidence/when_planted.py`` for error rates.

    Cost: about 10 milliseconds for a dozen times.
    """
    if not tolerance > 0:
        raise ValueError(f"tolerance: received {tolerance}; must be above 0")
    if present is not None and present not in table.times:
        raise ValueError(f"present: received {present}; must be one of the times {table.times}")
    tried = table.known > 0
    if not tried.any():
        raise ValueError("received a table without a known cell; give at least one")
    support = table_support(table.values, least_sd)
    # a time that no seed links to the others says nothing of them
    values = np.where(support.compared[:, None], table.rising(goal), np.nan)
    layout = additive_layout(values, max(LEAST_NOISE * tolerance, least_sd))
    curve = smooth_curve(table.times, layout, table.never is not None, tolerance)
    found = compare(curve, support.compared, level)
    known = ~tried | support.compared if not support.reason else np.zeros_like(tried)
    found = found._replace(worse=found.worse & known)
    points = tuple(_points(table, values, curve, layout, found, known, tolerance, level, goal))
    best = _best(table, found, support.compared, 1e-6 * tolerance)
    stretches = _stretches(table, points, tolerance, best)
    around = next(one for one in stretches if one.low <= table.times[best] <= one.high)
    never = None if table.never is None or not tried[-1] else _cost(table, found, support, len(tried) - 1, level)
    return Timing(
        best=_interval(table, found, tried, best),
        plateau=around,
        also=tuple(one for one in stretches if one != around),
        matters=None if support.reason else bool(found.worse[tried].any()),
        none_better=None if never is None or never.high is None else not never.worse,
        never=never,
        present=None if present is None else _cost(table, found, support, table.times.index(present), level),
        points=points,
        seeds=len(table.seeds),
        tolerance=tolerance,
        goal=goal,
        level=level,
        decided=not support.reason and all(is_decided(one, tolerance) for one in points),
        reason=support.reason,
    )


def is_decided(point: CurvePoint, tolerance: float) -> bool:
    """Whether no further run of that time is needed."""
    if point.seeds == 0:
        return point.chance_better < PROMISING
    return point.worse or (point.deficit_high is not None and point.deficit_high <= 2 * tolerance)


def _best(table: TimingTable, found: Comparisons, compared: Bools, slack: float) -> int:
    """The place of the best time; of those that are equal within ``slack``, never, and then the earliest."""
    deficit = np.where(compared & ~found.worse, found.mean_deficit, np.inf)
    equal = np.flatnonzero(deficit <= deficit.min() + slack)
    last = len(compared) - 1
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
    near = np.array([one.is_near(tolerance) for one in points])
    near[best] = True
    cuts = np.flatnonzero(np.diff(near[places].astype(int))) + 1
    runs = [run for run in np.split(places, cuts) if near[run[0]]]
    return [Plateau(table.times[run[0]], table.times[run[-1]]) for run in runs]


def _cost(table: TimingTable, found: Comparisons, support: Support, place: int, level: float) -> Cost:
    epoch, estimate, worse = table.times[place], float(found.mean_deficit[place]), bool(found.worse[place])
    if not support.compared[place]:
        return Cost(epoch, None, None, None, False)
    if support.reason:
        return Cost(epoch, estimate, None, None, False)
    low, high = np.quantile(found.deficit[:, place], [level, 1 - level])
    return Cost(epoch, estimate, float(low), float(high), worse)


def _points(
    table: TimingTable,
    values: Floats,
    curve: SmoothCurve,
    layout: Layout,
    found: Comparisons,
    known: Bools,
    tolerance: float,
    level: float,
    goal: Goal,
) -> Iterator[CurvePoint]:
    sign = 1.0 if goal == "max" else -1.0
    tried: Bools = np.asarray(~np.isnan(values).all(1))
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
            low=float(limits[0]) if known[place] else None,
            high=float(limits[1]) if known[place] else None,
            deficit=float(found.mean_deficit[place]),
            deficit_high=float(upper[place]) if known[place] else None,
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
