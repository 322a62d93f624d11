"""From recoveries to a decision: named contrasts of forks, their errors, and repeats that are copies of each other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from critlab.analysis.judgement.decision import Decision, Family, Kind, decide
from critlab.analysis.statistics import MINIMUM_SEEDS, Floats, Summary
from critlab.analysis.statistics.crossed import crossed_variance
from critlab.analysis.statistics.layout import Layout, layout_of_sums
from critlab.analysis.statistics.moderated import floor_of_sd
from critlab.hooks.own_loop.recovered import Recovered
from critlab.learning_tasks import Metric

ROUNDING = 1e-6
"""Values that differ by less than this share of the largest one are equal: some operations of float32 lie between."""

CLEAN = ("without", "frozen", "before")
"""The forks from the checkpoint before the stretch; the others begin with weights that went through it."""

Uncounted = Literal["", "copies", "equal"]
"""Why repeats do not count in a contrast: they are copies of others; or all differences are equal, and nothing says how
finely scores are measured."""


class Compared(NamedTuple):
    """A damage as a contrast of two forks: how much worse ``other`` is than ``one``.

    Args:
        one: the name of a fork.
        other: that of another.
        kind: what it decides.
        same_epochs: whether the two differ in nothing but the checkpoint that they start from.
    """

    one: str
    other: str
    kind: Kind
    same_epochs: bool = False


@dataclass(frozen=True)
class Evidence:
    """What contrasts of forks show together, in their order.

    Args:
        decision: of all contrasts.
        damages: of each contrast, the mean over the repeats that count, with the decision's simultaneous interval;
            without one below three such repeats.
        uncounted: of each contrast, why it does not have all repeats; empty where it has.
    """

    decision: Decision
    damages: tuple[Summary, ...]
    uncounted: tuple[Uncounted, ...]


Recoveries = Mapping[str, tuple[Recovered, ...]]


def evidence(
    recoveries: Recoveries,
    contrasts: Sequence[Compared],
    metric: Metric,
    smallest: float,
    level: float,
    *,
    complete: bool,
    unchanged: bool,
) -> Evidence:
    """Judge contrasts of forks as the damages of a study are judged; repeats take the place of seeds.

    Where ``evaluate`` says which test images are classified correctly, the standard deviation has the floor of a study,
    and the variance its part from the sample of images. Without images nothing says how finely scores are measured:
    differences that are equal in every repeat then have no error, and count as one.

    Repeats of a fork that are copies of each other count as one, with images too: their number says nothing of other
    orders of the data. Two forks of one and the same network differ by exactly 0 in every order, so all repeats count.

    Args:
        recoveries: of every fork, in the order of the repeats.
        contrasts: what is judged together.
        metric: what the scores are.
        smallest: the smallest damage of interest.
        level: one-sided.
        complete: whether no critical contrast is missing.
        unchanged: whether the checkpoints before and after the stretch are equal.
    """
    speak = _numbers_differ(recoveries)
    distinct = {name: _distinct(several, speak) for name, several in recoveries.items()}
    images = _images(recoveries)
    values, uncounted = [], list[Uncounted]()
    for one in contrasts:
        differences = _differences(recoveries, one, metric)
        identical = one.same_epochs and (unchanged or (speak and _identical(recoveries, one)))
        mask, why = _counted(recoveries, one, distinct, differences, images, identical)
        values.append(np.where(mask, differences, np.nan))
        uncounted.append(why)
    damages = np.array(values)
    floor = floor_of_sd(images) if images else 0.0
    family = Family(
        damages,
        tuple(one.kind for one in contrasts),
        smallest,
        image_variance=np.array(
            [_image_variance(recoveries, one, row) for one, row in zip(contrasts, damages, strict=True)]
        ),
        complete=complete,
        floor=floor,
        level=level,
        layout=_layout(contrasts),
    )
    decision = decide(family)
    summaries = (_summary(decision, place, floor) for place in range(len(contrasts)))
    return Evidence(decision, tuple(summaries), tuple(uncounted))


def _differences(recoveries: Recoveries, one: Compared, metric: Metric) -> Floats:
    pairs = zip(recoveries[one.one], recoveries[one.other], strict=True)
    return np.array([metric.loss(better.score, worse.score) for better, worse in pairs])


def _counted(
    recoveries: Recoveries,
    one: Compared,
    distinct: Mapping[str, Sequence[bool]],
    differences: Floats,
    images: int,
    identical: bool,
) -> tuple[Sequence[bool], Uncounted]:
    """Which repeats of a contrast count, and why the others do not.

    A fork that is the same in every repeat says nothing of other orders of the data, even where the fork that it is
    compared with varies: so a repeat counts where both forks differ from those before it.
    """
    repeats = len(differences)
    if identical:
        return [True] * repeats, ""
    mask = [first and second for first, second in zip(distinct[one.one], distinct[one.other], strict=True)]
    if sum(mask) < repeats:
        return mask, "copies"
    scale = max(abs(recovered.score) for name in (one.one, one.other) for recovered in recoveries[name])
    if repeats > 1 and not images and np.ptp(differences) <= ROUNDING * scale:
        return [place == 0 for place in range(repeats)], "equal"
    return mask, ""


def _numbers_differ(recoveries: Recoveries) -> bool:
    """Whether ``advance`` returned numbers that distinguish trainings; some loops always return the same."""
    numbers = {recovered.numbers for several in recoveries.values() for recovered in several if recovered.numbers}
    return len(numbers) > 1


def _distinct(several: Sequence[Recovered], speak: bool) -> list[bool]:
    """Which repeats of a fork are no copies of an earlier one.

    Scores are coarse, so that some may be equal by chance: single repeats are copies where the numbers of ``advance``
    ``speak`` and are equal too. Where all repeats have one score, and no number contradicts, all are copies.
    """
    if len(several) > 1 and all(_equal(several[0], one) for one in several[1:]):
        return [place == 0 for place in range(len(several))]
    if not speak:
        return [True] * len(several)
    return [
        not (one.numbers and any(earlier.numbers and _equal(earlier, one) for earlier in several[:place]))
        for place, one in enumerate(several)
    ]


def _equal(one: Recovered, other: Recovered) -> bool:
    """Whether two recoveries are equal up to rounding, in what is known of both."""
    if one.correct is not None and other.correct is not None and one.correct != other.correct:
        return False
    known = bool(one.numbers) and bool(other.numbers)
    if known and len(one.numbers) != len(other.numbers):
        return False
    pairs = [(one.score, other.score), *(zip(one.numbers, other.numbers, strict=True) if known else ())]
    return all(math.isclose(first, second, rel_tol=ROUNDING) for first, second in pairs)


def _identical(recoveries: Recoveries, one: Compared) -> bool:
    """Whether both forks are the same network in every repeat, to the last bit of every number that is known."""
    pairs = zip(recoveries[one.one], recoveries[one.other], strict=True)
    return all(first.numbers and first == second for first, second in pairs)


def _images(recoveries: Recoveries) -> int:
    """How many test images scores are a share of; 0 where that is not known, or where numbers differ."""
    sizes = {one.correct.shape[0] for several in recoveries.values() for one in several if one.correct is not None}
    return sizes.pop() if len(sizes) == 1 else 0


def _image_variance(recoveries: Recoveries, one: Compared, damages: Floats) -> float:
    """The variance of a mean damage from the sample of test images; 0 where it is unknown."""
    rows = [
        first.correct.shares() - second.correct.shares()
        for first, second, damage in zip(recoveries[one.one], recoveries[one.other], damages, strict=True)
        if first.correct is not None and second.correct is not None and not np.isnan(damage)
    ]
    if not rows or len({row.size for row in rows}) > 1:
        return 0.0
    return float(crossed_variance(np.stack(rows)).image)


def _layout(contrasts: Sequence[Compared]) -> Layout:
    """The forks of each contrast; those that went through the stretch are the damaged ones."""
    sums = [((1, one.one), (-1, one.other)) for one in contrasts]
    return layout_of_sums(sums, {name for terms in sums for _, name in terms if name not in CLEAN})


def _summary(decision: Decision, place: int, floor: float) -> Summary:
    """The mean, and the interval that agrees with the p value; none where too few repeats count."""
    values = decision.family.damages[place]
    counted = values[~np.isnan(values)]
    mean = math.fsum(counted) / len(counted)
    sd = 0.0 if len(counted) == 1 else max(float(np.std(counted, ddof=1)), floor)
    if len(counted) < MINIMUM_SEEDS:
        return Summary(len(counted), mean, sd, None, None)
    return Summary(len(counted), mean, sd, float(decision.low[place]), float(decision.high[place]))
