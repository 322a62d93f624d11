"""The answer to "when should I flip this switch?" as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from critlab.analysis.timing.support import Reason
from critlab.analysis.timing.table import Goal


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
        estimate: best of the smoothed curve minus its value at the time; None where no run of it can be compared.
        low: lower limit; None where times cannot be compared.
        high: upper limit, in the same case None; the two hold at the level of the answer, each on its side.
        worse: whether the time is found worse than another.
    """

    epoch: int
    estimate: float | None
    low: float | None
    high: float | None
    worse: bool


PresentTime = Cost


class CurvePoint(NamedTuple):
    """One time on the curve.

    Args:
        epoch: the time.
        seeds: that have it; 0 for a candidate.
        value: of the smoothed curve, in the unit of the metric, as of the mean seed.
        low: lower limit of its 95 % interval, one time alone, relative to the mean of the curve; None where times
            cannot be compared.
        high: upper limit; None in the same case.
        deficit: how much worse than the best of the curve, in the unit of the metric.
        deficit_high: its upper limit at the level of the answer; None where times cannot be compared.
        worse: whether some tried time is found better.
        chance_best: probability that it is the best of all times, candidates included. Where times cannot be compared
            it only orders further runs.
        chance_better: probability that it is better than every tried time by more than the tolerance; the same holds.
    """

    epoch: int
    seeds: int
    value: float
    low: float | None
    high: float | None
    deficit: float
    deficit_high: float | None
    worse: bool
    chance_best: float
    chance_better: float

    def is_near(self, tolerance: float) -> bool:
        """Whether the time is estimated at most ``tolerance`` worse than the best, and shown at most twice that."""
        if self.seeds == 0 or self.deficit_high is None:
            return False
        return self.deficit <= tolerance and self.deficit_high <= 2 * tolerance


@dataclass(frozen=True)
class Timing:
    """The answer for one metric.

    Args:
        best: the best time with the interval that holds it.
        plateau: the times around ``best.epoch`` that are not worse than the best by more than the tolerance. The
            estimate is at most the tolerance, and it is shown that no time of it is worse by more than twice that.
            Where that is shown at no time, it is the best time alone, and ``plateaus`` is empty.
        also: further such stretches, in order, as where a curve has two peaks.
        matters: whether some time is found worse than another. Where not, the switch is found to do nothing. None where
            times cannot be compared.
        none_better: whether no time is found better than never; None where that cannot be compared.
        never: what never flipping costs against the best; its ``high`` is the largest gain that is not excluded. None
            where no run is without the flip.
        present: what the user's present time costs; None where none was given.
        points: the curve.
        seeds: in the table.
        tolerance: in the unit of the metric.
        goal: whether more or less is better.
        level: of the comparisons together, one-sided.
        decided: whether every tried time is either worse than another or shown to be at most twice the tolerance worse
            than the best, and no candidate is likely to be better.
        reason: why times cannot be compared, so that nothing is found and nothing is excluded; empty where they can.
    """

    best: BestTime
    plateau: Plateau
    also: tuple[Plateau, ...]
    matters: bool | None
    none_better: bool | None
    never: Cost | None
    present: Cost | None
    points: tuple[CurvePoint, ...]
    seeds: int
    tolerance: float
    goal: Goal
    level: float
    decided: bool
    reason: Reason = ""

    @property
    def best_is_near(self) -> bool:
        """Whether the best time itself is shown to be at most twice the tolerance worse than the true best."""
        return any(one.epoch == self.best.epoch and one.is_near(self.tolerance) for one in self.points)

    @property
    def plateaus(self) -> tuple[Plateau, ...]:
        """The stretches in which some tried time is shown to be near the best, in order; none where no time is."""
        alone = self.plateau.low == self.plateau.high
        around = () if alone and not self.best_is_near else (self.plateau,)
        return tuple(sorted((*around, *self.also)))

    def on_plateau(self, epoch: int) -> bool | None:
        """Whether a time lies on one of ``plateaus``; None where times cannot be compared."""
        return None if self.reason else any(one.low <= epoch <= one.high for one in self.plateaus)
