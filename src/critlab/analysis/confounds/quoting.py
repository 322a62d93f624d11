"""How a verdict quotes other explanations: with the interval of the named damage, or one that allows for chosen points.

A verdict asks its confounds at points that it chose for their damage. Three kinds of mean need three intervals:

- The mean is a named damage of the verdict (the same runs at the same point): it has that damage's interval. Over
  several points it has the means of their limits, since these intervals hold together.
- It contains the runs with the deficit, whose damage chose the points. Its errors are then larger at the chosen points
  than elsewhere. So it is judged at all points at which it is known, as named damages are, and has the simultaneous
  interval of the chosen ones.
- It contains other runs alone, such as a negative control and the clean run, which all points share. The choice says
  nothing about their errors, so a plain interval holds.

All of them hold seeds and, where the store says which were correct, test images, at the level of the study.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from critlab.analysis.confounds.quantity import Quantity
from critlab.analysis.curve import Place
from critlab.analysis.judgement.damages import Damage
from critlab.analysis.judgement.decision import Decision, Family, Kind, decide
from critlab.analysis.judgement.looks import looks
from critlab.analysis.statistics import MINIMUM_SEEDS, Floats, Summary, scale_of, summarise
from critlab.analysis.statistics.layout import Layout, layout_of_sums
from critlab.analysis.statistics.ratio import Share, share
from critlab.analysis.statistics.simultaneous import effective_count
from critlab.analysis.tables.study_table import StudyTable
from critlab.analysis.test_images import image_covariance, image_variance, least_sd

Limits = tuple[float | None, float | None]


@dataclass(frozen=True)
class Quoting:
    """The intervals of a verdict's other explanations.

    Args:
        results: of the study.
        damages: its named damages.
    """

    results: StudyTable
    damages: Sequence[Damage]

    @cached_property
    def level(self) -> float:
        """One-sided level of the look at the study."""
        return looks(self.results).level

    @cached_property
    def _named(self) -> dict[frozenset[tuple[float, str]], Damage]:
        """The named damages by their runs; where two names have the same runs, the first in the order of the study."""
        return {frozenset(one.terms): one for one in reversed(self.damages) if one.terms}

    @cached_property
    def _deprived(self) -> set[str]:
        return {run.name for run in self.results.study.runs if run.deficit is not None or run.switch is not None}

    @cached_property
    def _choosing(self) -> set[str]:
        """The runs by whose damage points are chosen."""
        return {run.name for run in self.results.study.runs if run.role == "deficit"}

    def mean(self, quantity: Quantity, judged: Sequence[Place]) -> Summary | None:
        """The mean over the judged points and over seeds, with its interval; None where no seed has all points."""
        values = list(quantity.averaged(judged).values())
        if not values:
            return None
        floor, scale = self._floor(quantity, judged[0]), scale_of(100 * self.results.study.statistics.smallest_damage)
        own = summarise(values, floor, self._variance(quantity, judged), self.level, scale)
        named = [self._named[key] for at in judged if (key := frozenset(quantity.terms[at])) in self._named]
        if quantity.part == "test" and len(named) == len(judged):
            return _as_named(named, own)
        if not any(run in self._choosing for at in judged for _, run in quantity.terms[at]):
            return own
        low, high = _mean_limits(self._simultaneous(quantity, judged))
        return replace(own, low=low, high=high)

    def share(self, part: Quantity, whole: Quantity, judged: Sequence[Place], chosen: bool = True) -> Share | None:
        """The mean of ``part`` divided by that of ``whole``, over the seeds that have both; None with too few seeds.

        The interval is that of Fieller. Points are chosen where the whole came out large, so its errors in one
        direction are more likely there. With m independent points to choose from, the level of each side is
        ``2 level / (m + 1)``: m chances of an error in this direction, and one in the other. In simulated studies of 5
        and 15 equally damaged points with 3 to 20 seeds, such intervals held the share in 94 to 99 %, and those of the
        plain level in 78 to 95 %.

        Args:
            part, whole: of which points are averaged.
            judged: the points.
            chosen: whether the points were chosen, of those at which both are known.
        """
        top, bottom = part.averaged(judged), whole.averaged(judged)
        seeds = sorted(top.keys() & bottom.keys())
        if len(seeds) < MINIMUM_SEEDS:
            return None
        count = 1.0
        if chosen:
            places = [at for at in whole.values if at in part.values]
            layout = self._layout(whole, places)
            count = effective_count(layout.correlation(range(len(places))), self.level)
        values = [[one[seed] for seed in seeds] for one in (top, bottom)]
        floors = self._floor(part, judged[0]), self._floor(whole, judged[0])
        image = self._covariance(part, whole, judged)
        return share(values[0], values[1], floors, 2 * self.level / (count + 1), image)

    def _simultaneous(self, quantity: Quantity, judged: Sequence[Place]) -> list[Limits]:
        """The limits at the judged points, which hold together at all points at which the quantity is known."""
        places = [at for at, values in quantity.values.items() if values]
        decision = self._decision(quantity, places)
        found: list[Limits] = []
        for at in judged:
            limits = float(decision.low[places.index(at)]), float(decision.high[places.index(at)])
            found.append(limits if all(map(math.isfinite, limits)) else (None, None))
        return found

    def _decision(self, quantity: Quantity, places: Sequence[Place]) -> Decision:
        seeds = sorted(self.results.study.seeds)
        values = np.array([[quantity.values[at].get(seed, np.nan) for seed in seeds] for at in places])
        kinds: list[Kind] = ["context"] * len(places)
        family = Family(
            damages=values,
            kinds=tuple(kinds),
            smallest=0.0,
            image_variance=np.array([self._variance(quantity, [at]) for at in places]),
            floor=np.array([self._floor(quantity, at) for at in places]),
            level=self.level,
            layout=self._layout(quantity, places),
        )
        return decide(family)

    def _layout(self, quantity: Quantity, places: Sequence[Place]) -> Layout:
        return layout_of_sums([quantity.terms[at] for at in places], self._deprived)

    def _floor(self, quantity: Quantity, at: Place) -> float:
        """The least standard deviation over seeds; a mean over several points keeps that of one."""
        return least_sd(self.results, len(quantity.terms[at]), quantity.part)

    def _variance(self, quantity: Quantity, judged: Sequence[Place]) -> float:
        """Of the mean over the judged points, from the choice of test images."""
        return image_variance(self.results, quantity.averaged_terms(judged)) if quantity.part == "test" else 0.0

    def _covariance(self, part: Quantity, whole: Quantity, judged: Sequence[Place]) -> Floats | None:
        """Of the means of both from the choice of test images; training scores have no part in it."""
        if part.part == "train":
            return np.diag([0.0, self._variance(whole, judged)])
        return image_covariance(self.results, part.averaged_terms(judged), whole.averaged_terms(judged))


def _as_named(damages: Sequence[Damage], own: Summary) -> Summary:
    """The mean of named damages with that of their limits; of a single one, its own numbers."""
    low, high = _mean_limits((one.low, one.high) for one in damages)
    mean = math.fsum(one.estimated for one in damages) / len(damages)
    return replace(own, n=min(one.n for one in damages), mean=mean, low=low, high=high)


def _mean_limits(limits: Iterable[Limits]) -> Limits:
    """The means of lower and of upper limits; None where a point has none."""
    lows, highs = zip(*limits, strict=True)
    return _mean(lows), _mean(highs)


def _mean(limits: Sequence[float | None]) -> float | None:
    known = [one for one in limits if one is not None]
    return math.fsum(known) / len(known) if len(known) == len(limits) else None
