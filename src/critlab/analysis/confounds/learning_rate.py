"""Whether a decayed learning rate, and not a critical period, makes the damage: what other schedules show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from critlab.analysis.confounds.confound import Confound, Status, by_seed, difference, limits, mean, shared_places
from critlab.analysis.curve import Curve, Place, curve
from critlab.analysis.statistics import Summary
from critlab.analysis.study_table import StudyTable
from critlab.study.schedules import EpochPosition, Schedule, schedule

Conclusion = Literal["explains", "explains_part", "control_gains_more", "does_not_explain", "undecided", "no_results"]
"""What another schedule shows: whether the learning rate explains the damage, or part of it; ``control_gains_more``
where it removes the damage, but a clean run whose schedule restarts still ends higher."""


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
        rate: at the last removal.
        share: of the initial one.
    """

    rate: float
    share: float


@dataclass(frozen=True, kw_only=True)
class OtherSchedule(_LearningRate):
    """The effect is the damage that remains under another schedule, compared with the first of its controls.

    Args:
        clock: the other schedule's name.
        conclusion: what it shows.
        twin: the damage compared with a clean run under the same schedule, where that is not the first control.
        removed: the damage under the study's own schedule minus that under the other, paired by seed; None where the
            other is the study's own.
    """

    clock: str
    conclusion: Conclusion
    twin: Summary | None = None
    removed: Summary | None = None

    @property
    def name(self) -> str:
        """Which confound; the schedule's ``detail`` tells several of them apart."""
        detail = schedule(self.clock).detail
        return "learning rate" + (f" ({detail})" if detail else "")


@dataclass(frozen=True, kw_only=True)
class OnsetRate(Confound):
    """In a window sweep: the learning rate of the last window differs from that of the first; ``at`` holds both onsets.

    Args:
        first: learning rate at the end of the first window.
        last: learning rate at the end of the last.
    """

    first: float
    last: float

    @property
    def name(self) -> str:
        """Which confound."""
        return "learning rate at the onset"


def clocks(results: StudyTable, main: Curve, judged: Sequence[Place]) -> Iterator[Confound]:
    """What each other schedule shows at the judged points, or that none was tried."""
    optimizer, at = results.study.optimizer, tuple(judged)
    if not optimizer.schedule_known:
        yield UnknownRate(status="unknown", at=at)
        return
    own = schedule(optimizer.clock)
    if not own.anneals(optimizer):
        yield ConstantRate(status="clear", at=at, rate=optimizer.lr)
        return
    arms = dict.fromkeys((run.arm, run.clock) for run in results.study.runs if run.role == "clock_control")
    others = [(arm, clock) for arm, clock in arms if schedule(clock).recovers_at_full_rate]
    if own.recovers_at_full_rate:
        others.insert(0, (main.arm, optimizer.clock))
    for arm, clock in others:
        yield _restart(results, main, arm, schedule(clock), clock, judged)
    if not others and main.sweep.origin is not None:
        share = optimizer.lr_decay ** max(point.at for point in main.tested if point.at != "never")
        yield DecayedRate(status="unknown", at=at, rate=optimizer.lr * share, share=share)


def _restart(
    results: StudyTable, main: Curve, arm: str, other: Schedule, clock: str, judged: Sequence[Place]
) -> OtherSchedule:
    """Clear: damage remains under the other schedule; suspect: it removes most of the damage, or all.

    Where nothing restarts, an annealed control would be no equal: damage is counted from a run under the same schedule.
    """
    against = "plain" if other.restarts else other.twin
    again = curve(results, arm, against)
    shared = shared_places(judged, again)
    own, left = by_seed(curve(results, main.arm, "plain"), shared), by_seed(again, shared)
    damage, remains, removed = mean(own), mean(left), difference(own, left)
    if not shared or damage is None or remains is None or removed is None:
        return OtherSchedule(status="unknown", at=tuple(judged), clock=clock, conclusion="no_results")
    twin = mean(by_seed(curve(results, arm, "restarted"), shared)) if against == "plain" else None
    status, conclusion = _concluded(damage, remains, removed, remains if against != "plain" else twin)
    return OtherSchedule(
        status=status,
        at=shared,
        effect=remains,
        damage=damage,
        clock=clock,
        conclusion=conclusion,
        twin=twin,
        removed=removed if arm != main.arm else None,
    )


def _concluded(damage: Summary, remains: Summary, removed: Summary, twin: Summary | None) -> tuple[Status, Conclusion]:
    left = limits(remains)[0] > 0
    if limits(removed)[0] > 0 and (not left or remains.mean < damage.mean / 2):
        if left:
            return "suspect", "explains_part"
        return "suspect", "control_gains_more" if twin and limits(twin)[0] > 0 else "explains"
    return ("clear", "does_not_explain") if left else ("unknown", "undecided")


def onset(results: StudyTable) -> Iterator[OnsetRate]:
    """In a window sweep: whether the learning rate of the first window differs from that of the last."""
    optimizer, onsets = results.study.optimizer, results.study.sweep.points
    clock = schedule(optimizer.clock)
    if not clock.anneals(optimizer) or len(onsets) < 2:
        return
    sweep, rates = results.study.sweep, []
    for at in (onsets[0], onsets[-1]):
        window = sweep.window(at)
        rates.append(clock.learning_rate(optimizer, EpochPosition(window.start, window.stop, sweep.run_epochs(at))))
    yield OnsetRate(status="suspect", at=(onsets[0], onsets[-1]), first=rates[0], last=rates[1])
