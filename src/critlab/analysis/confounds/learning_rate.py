"""Whether a decayed learning rate, and not a critical period, makes the damage: what other schedules show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from critlab.analysis.confounds.confound import Confound, shared_places
from critlab.analysis.confounds.quantity import damage_of
from critlab.analysis.confounds.quoting import Quoting
from critlab.analysis.curve import Curve, Place, curve
from critlab.analysis.statistics import Summary
from critlab.analysis.tables.study_table import StudyTable
from critlab.study.schedules import EpochPosition, EpochRate, Schedule, schedule
from critlab.study.study import Study


@dataclass(frozen=True, kw_only=True)
class _LearningRate(Confound):
    @property
    def name(self) -> str:
        """Which confound."""
        return "learning rate"


@dataclass(frozen=True, kw_only=True)
class UnknownRate(_LearningRate):
    """The user's own loop sets the learning rate, and nothing says how."""


@dataclass(frozen=True, kw_only=True)
class ConstantRate(_LearningRate):
    """The learning rate never changes.

    Args:
        rate: its value.
    """

    rate: float


@dataclass(frozen=True, kw_only=True)
class DecayedRate(_LearningRate):
    """The learning rate has decayed at the last removal, and no other schedule was tried.

    Args:
        rate: in the first epoch after the last removal.
        left: the same as a fraction of ``lr``.
        clock: the schedule that begins again, with which to find out; empty where there is none.
    """

    rate: float
    left: float
    clock: str


@dataclass(frozen=True, kw_only=True)
class OtherSchedule(_LearningRate):
    """The effect is the damage that remains under another schedule, compared with the first of its controls.

    The share is the part of the damage under the study's own schedule that is gone under the other; None where the
    other is the study's own.

    Args:
        clock: the other schedule's name.
        twin: the damage compared with a clean run under the same schedule, where that is not the first control.
        removed: the damage under the study's own schedule minus that under the other, paired by seed; None where the
            other is the study's own.
    """

    clock: str
    twin: Summary | None = None
    removed: Summary | None = None

    @property
    def name(self) -> str:
        """Which confound; the schedule's ``detail`` distinguishes several of them."""
        detail = schedule(self.clock).detail
        return "learning rate" + (f" ({detail})" if detail else "")


@dataclass(frozen=True, kw_only=True)
class OnsetRate(Confound):
    """In a window sweep: the learning rate of the last window differs from that of the first; ``at`` holds both onsets.

    Args:
        first: learning rate in the first epoch of the first window.
        last: learning rate in the first epoch of the last.
    """

    first: float
    last: float

    @property
    def name(self) -> str:
        """Which confound."""
        return "learning rate at the onset"


def clocks(quoting: Quoting, main: Curve, judged: Sequence[Place]) -> Iterator[Confound]:
    """What each other schedule shows at the judged points, or that none was tried."""
    results = quoting.results
    optimizer, at = results.study.optimizer, tuple(judged)
    if not optimizer.schedule_known:
        yield UnknownRate(at=at)
        return
    own = schedule(optimizer.clock)
    if not own.anneals(optimizer):
        yield ConstantRate(at=at, rate=optimizer.lr)
        return
    arms = dict.fromkeys((run.arm, run.clock) for run in results.study.runs if run.role == "clock_control")
    others = [(arm, clock) for arm, clock in arms if schedule(clock).recovers_at_full_rate]
    if own.recovers_at_full_rate:
        others.insert(0, (main.arm, optimizer.clock))
    for arm, clock in others:
        yield _restart(quoting, main, arm, schedule(clock), clock, judged)
    removals = [point.at for point in main.tested if point.at != "never"]
    if not others and removals and main.sweep.origin is not None:
        stop = max(removals)
        rate = _rate(results.study, stop, stop, main.sweep.run_epochs(stop)).mean
        if rate < optimizer.lr:
            yield DecayedRate(at=at, rate=rate, left=rate / optimizer.lr, clock=own.restarted or "")


def _restart(
    quoting: Quoting, main: Curve, arm: str, other: Schedule, clock: str, judged: Sequence[Place]
) -> OtherSchedule:
    """Where nothing restarts, damage is counted from a run under the same schedule: an annealed one is no equal."""
    results, against = quoting.results, "plain" if other.restarts else other.twin
    again = curve(results, arm, against)
    shared = shared_places(judged, again)
    own, left = damage_of(curve(results, main.arm, "plain")), damage_of(again)
    removed = own - left
    if not removed.averaged(shared):
        return OtherSchedule(at=tuple(judged), clock=clock)
    is_other = arm != main.arm
    twin = damage_of(curve(results, arm, "restarted")) if against == "plain" else None
    return OtherSchedule(
        at=shared,
        effect=quoting.mean(left, shared),
        damage=quoting.mean(own, shared),
        share=quoting.share(removed, own, shared) if is_other else None,
        clock=clock,
        twin=None if twin is None else quoting.mean(twin, shared),
        removed=quoting.mean(removed, shared) if is_other else None,
    )


def onset(results: StudyTable) -> Iterator[OnsetRate]:
    """In a window sweep: whether the learning rates of the first window differ from those of the last."""
    study, sweep = results.study, results.study.sweep
    if not study.optimizer.schedule_known or len(sweep.points) < 2:
        return
    places = (sweep.points[0], sweep.points[-1])
    first, last = (
        [_rate(study, epoch, window.stop, sweep.run_epochs(at)) for epoch in range(window.start, window.stop)]
        for at, window in ((at, sweep.window(at)) for at in places)
    )
    if first != last:
        yield OnsetRate(at=places, first=first[0].mean, last=last[0].mean)


def _rate(study: Study, epoch: int, stop: int, total: int) -> EpochRate:
    """The learning rates of an epoch on the study's own clock."""
    return schedule(study.optimizer.clock).rates(study.optimizer, EpochPosition(epoch, stop, total, study.steps))
