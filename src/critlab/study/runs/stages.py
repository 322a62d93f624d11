"""The looks at a study, and the seeds and points that they put in play."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from critlab._core.digest import digest
from critlab.study.runs.sequential import AdaptivePoints
from critlab.study.study import Study
from critlab.study.types import Place

Asked = TypeVar("Asked", bound=Study)

DECIDED = ("present", "damage_only", "absent", "decided")
"""The answers after which no seed is added."""


class Look(NamedTuple):
    """One look at a study: all of its runs were complete, and were judged.

    Args:
        judged: digest of what was judged, see :func:`judged`.
        seeds: those in play.
        points: of the sweep, in order.
        level: one-sided, at which the study was judged.
        planned: whether the look was fixed before the first seed was judged.
        answer: of the verdict.
        more_seeds: whether more seeds may decide the answer.
        width: of the closing's interval, in epochs; None where there is none, or where it has no upper limit.
        place: the further point that narrows it most; None where there is none.
    """

    judged: str
    seeds: tuple[int, ...]
    points: tuple[Place, ...]
    level: float
    planned: bool
    answer: str
    more_seeds: bool = True
    width: float | None = None
    place: int | None = None

    @property
    def decided(self) -> bool:
        """Whether the answer is one after which no seed is added."""
        return self.answer in DECIDED


def judged(study: Study) -> str:
    """The digest of what a look at ``study`` judges: its seeds and points, its runs, and its statistics.

    A second look at the same is no new look.
    """
    runs = sorted(run.name for run in study.runs)
    return digest("judged", sorted(study.seeds), list(study.sweep.points), runs, study.statistics.special())


def in_play(study: Asked, looks: Sequence[Look]) -> Asked:
    """``study`` with the seeds and points that come next, given the looks made so far; itself where it fixes both.

    Ours. Where the last look did not decide the answer, the next number of seeds is in play. Where it did, and the
    closing is wider than :func:`closing_width`, the point that the look proposed is added. Where neither is left, the
    seeds and points of the last look stay; where it had more points than the study allows now, those of the last look
    that fits.
    """
    plan, adaptive = study.sequential, study.sweep.adaptive
    if plan is None and adaptive is None:
        return study
    seeds = study.seeds if plan is None else tuple(range(plan.first))
    points: tuple[Place, ...] = study.sweep.points if adaptive is None else adaptive.first
    last = _last(study, looks)
    if last is None:
        return study.staged(seeds, points)
    seeds = tuple(sorted(last.seeds)) if plan else seeds
    grown = _last(study, [one for one in looks if _fits(study, one)])
    points = points if grown is None else study.sweep.own_points(grown.points)
    more = plan.after(len(seeds)) if plan and last.more_seeds and not last.decided else None
    if more is not None:
        seeds = tuple(range(more))
    elif grown is last and last.place is not None and _may_narrow(study, last):
        points = _with(points, last.place)
    return study.staged(seeds, points)


def closing_width(study: Study) -> float:
    """How wide the closing's interval may be, in epochs: a tenth of the range of the points where nothing is given."""
    given = study.statistics.closing_width
    numbers = [at for at in study.sweep.points if at != "never"]
    return given if given is not None else max((numbers[-1] - numbers[0]) / 10, 1.0)


def _fits(study: Study, look: Look) -> bool:
    """Whether a look had points that the study may have."""
    adaptive = study.sweep.adaptive
    return adaptive is not None and _has_grown(adaptive, study.sweep.own_points(look.points))


def _has_grown(adaptive: AdaptivePoints, points: tuple[Place, ...]) -> bool:
    """Whether ``points`` are the first ones and others between them, within the budget."""
    first = adaptive.first
    return (
        all(isinstance(at, int) for at in points)
        and [*points] == sorted(set(points), key=lambda at: int(at))
        and set(first) <= set(points)
        and (points[0], points[-1]) == (first[0], first[-1])
        and len(points) <= adaptive.most
    )


def _may_narrow(study: Study, last: Look) -> bool:
    """Whether the budget has another point, and the closing is not known as well as it needs to be."""
    adaptive = study.sweep.adaptive
    wide = last.width is None or last.width > closing_width(study)
    return wide and adaptive is not None and len(study.sweep.own_points(last.points)) < adaptive.most


def _with(points: tuple[Place, ...], place: int) -> tuple[Place, ...]:
    """The points and ``place``; the points alone where it does not lie between them."""
    numbers = sorted({int(at) for at in points} | {place})
    return tuple(numbers) if place not in (numbers[0], numbers[-1]) else points


def _last(study: Study, looks: Sequence[Look]) -> Look | None:
    """The latest look with the most seeds, among those with seeds that the study may have."""
    plan = study.sequential
    if plan is None:
        mine = [look for look in looks if sorted(look.seeds) == sorted(study.seeds)]
    else:
        counts = range(plan.first, plan.most + 1)
        mine = [one for one in looks if len(one.seeds) in counts and sorted(one.seeds) == [*range(len(one.seeds))]]
    most = max((len(look.seeds) for look in mine), default=0)
    return next((look for look in reversed(mine) if len(look.seeds) == most), None)
