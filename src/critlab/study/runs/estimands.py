"""Named damages: which runs of a study make which contrast, and which contrasts it lacks.

With N the newborn (a clean run as long as the recovery), D the deprived run on the study's own clock, D' the one on a
clock that begins again after the window, F the run that is frozen in the window, C' the clean run of equal length on
the restarted clock, and E the clean run of equal length:

=================  ==========  =====================================================================
name               damage      what it says
=================  ==========  =====================================================================
lasting_damage     N - D       what the deficit and the lost time cost together
delay              N - F       what losing the time costs on this schedule
beyond_delay       F - D       what the deficit did beyond lost time
harm               N - D'      the deprived weights are a worse start than random ones
lost_to_schedule   D' - D      what a restart of the schedule repairs
missed_learning    C' - N      what clean training in that time is worth
timing             early-late  N - D of the first onset minus that of the last; F - D where runs differ in length
equal_total        E - D       the damage compared with as many epochs of clean training
=================  ==========  =====================================================================

In ``lasting_damage`` and ``delay``, N is the plain control: in a sweep whose runs have an equal total it is longer than
the recovery, and in a window sweep it is as long as the run. ``timing`` compares windows of equal length. Where the
runs have different lengths, the lost time is a larger part of the shorter one. So N - D would differ without any
critical period, and F - D is compared. Source: ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from critlab.study.runs.recipe import epoch_rate, recipes
from critlab.study.runs.run import Run
from critlab.study.runs.timing_windows import equal_rates, loses_time_alike, rates_in_window, timing_points
from critlab.study.schedules import EpochRate, schedule
from critlab.study.study import Study
from critlab.study.types import Place

EstimandName = Literal[
    "lasting_damage",
    "delay",
    "beyond_delay",
    "harm",
    "lost_to_schedule",
    "missed_learning",
    "timing",
    "equal_total",
]
Kind = Literal["lasting", "critical", "context"]
"""``lasting``: lasting_damage; ``critical``: harm, beyond_delay, and timing at a matched learning rate without the lost
time; ``context``: the rest."""


Terms = tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class NamedContrast:
    """A damage as a contrast of runs, paired by seed: the sum of ``sign * final accuracy``.

    Args:
        name: what it says.
        at: the sweep's point; for ``timing`` the first onset.
        other: for ``timing`` the last onset; else None.
        terms: a sign, +1 or -1, and the name of a run each.
        kind: whether it can show lasting damage or a critical period.
    """

    name: EstimandName
    at: Place
    other: Place | None
    terms: Terms
    kind: Kind


def named_contrasts(study: Study) -> tuple[NamedContrast, ...]:
    """Every named damage that the runs of ``study`` give, by point in the order of the sweep; ``timing`` last."""
    return tuple(_Contrasts(study).found())


def window_rates(study: Study, at: Place) -> tuple[EpochRate, ...]:
    """The learning rates of each epoch in the window at one point, on the study's own clock."""
    return rates_in_window(study, next(run for run in study.runs if run.role == "deficit" and run.at == at))


def rates_match(study: Study) -> bool | None:
    """Whether the windows at the two :func:`timing_points` have equal learning rates; None where nothing says so."""
    points = timing_points(study.sweep)
    if points is None or not study.optimizer.schedule_known:
        return None
    return equal_rates(*(window_rates(study, at) for at in points))


class _Contrasts:
    """Finds the runs of each contrast."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.named = {run.name: run for run in study.runs}
        self.main = {run.at: run for run in study.runs if run.role == "deficit" and study.sweep.tested(run.at)}
        self.clocked = {
            at: [run for run in study.runs if run.role == "clock_control" and run.at == at] for at in self.main
        }

    def found(self) -> Iterator[NamedContrast]:
        if self.study.sweep.asks_when:
            yield from self._against_never_on()
            return
        for at, main in self.main.items():
            yield from self._at(at, main)
        yield from self._timing()

    def _against_never_on(self) -> Iterator[NamedContrast]:
        """Each run against the clean run of the same length; where the question is when, nothing else is compared."""
        for run in self.study.runs:
            plain = _compared(run, "plain") if run.role == "deficit" else None
            if plain is not None:
                terms = ((1, plain), (-1, run.name))
                yield NamedContrast("equal_total", run.at, None, terms, "context")

    def _at(self, at: Place, main: Run) -> Iterator[NamedContrast]:
        plain = _compared(main, "plain")
        if plain is None:
            return
        yield NamedContrast("lasting_damage", at, None, ((1, plain), (-1, main.name)), "lasting")
        absolute, restarted, newborn = self._absolute(at, main), self._restarted(at, main), self._newborn(main)
        harm: Terms = ()
        if restarted and newborn:
            harm = ((1, newborn.name), (-1, restarted.name))
            yield NamedContrast("harm", at, None, harm, "critical")
        if frozen := self._frozen(at, main):
            if frozen != plain:
                yield NamedContrast("delay", at, None, ((1, plain), (-1, frozen)), "context")
            if (beyond := ((1, frozen), (-1, main.name))) != harm:
                yield NamedContrast("beyond_delay", at, None, beyond, "critical")
        if restarted and absolute and restarted != absolute:
            terms = ((1, restarted.name), (-1, absolute.name))
            yield NamedContrast("lost_to_schedule", at, None, terms, "context")
        twin = restarted and (_compared(restarted, "restarted") or _compared(restarted, "equal_total"))
        if twin and newborn and twin != newborn.name:
            yield NamedContrast("missed_learning", at, None, ((1, twin), (-1, newborn.name)), "context")
        if equal := _compared(main, "equal_total"):
            yield NamedContrast("equal_total", at, None, ((1, equal), (-1, main.name)), "context")

    def _absolute(self, at: Place, main: Run) -> Run | None:
        """The deprived run whose clock does not begin again."""
        if not schedule(main.clock).restarts:
            return main
        unrestarted = schedule(main.clock).lasting
        return next((run for run in self.clocked[at] if run.clock == unrestarted), None)

    def _restarted(self, at: Place, main: Run) -> Run | None:
        """The deprived run that recovers at the newborn's learning rates: the study's own, or one on another clock."""
        newborn = self._newborn(main)
        if newborn is None:
            return None
        return next((run for run in (main, *self.clocked[at]) if self._recovers_as(run, newborn)), None)

    def _recovers_as(self, run: Run, newborn: Run) -> bool:
        if not self.study.optimizer.schedule_known:
            return schedule(run.clock).restarts
        after = [epoch_rate(self.study, run, epoch) for epoch in range(run.window.stop, run.total)]
        return equal_rates(after, [epoch_rate(self.study, newborn, epoch) for epoch in range(newborn.total)])

    def _newborn(self, main: Run) -> Run | None:
        """The clean run on the study's clock that is as long as the recovery."""
        return self._clean(main.recovery)

    def _clean(self, total: int) -> Run | None:
        plain = next((run for run in self.study.runs if run.role == "control"), None)
        roles = ("control", "newborn_control", "equal_total_control")
        fits = (run for run in self.study.runs if run.role in roles and run.total == total)
        return next((run for run in fits if plain is not None and run.clock == plain.clock), None)

    def _frozen(self, at: Place, main: Run) -> str | None:
        """The run that is frozen in the window, or the clean run with the same recipes; None without either."""
        own = next((run.name for run in self.study.runs if run.role == "delay_control" and run.at == at), None)
        if own is not None or not self.study.controls.delay or not self.study.optimizer.schedule_known:
            return own
        clean = self._clean(main.total - (main.window.stop - main.window.start))
        if clean is None or main.intervention is not None:
            return None
        deprived = recipes(main, self.study)
        trained = deprived[: main.window.start] + deprived[main.window.stop :]
        return clean.name if recipes(clean, self.study) == trained else None

    def _timing(self) -> Iterator[NamedContrast]:
        """Early minus late: of runs of one length the lasting damage, else the damage beyond delay.

        Without the frozen runs that the latter needs, the difference of the lasting damages is context.
        """
        points = timing_points(self.study.sweep)
        if points is None:
            return
        mains = [self.main[at] for at in points]
        plain = [_compared(main, "plain") for main in mains]
        frozen = plain if loses_time_alike(self.study.sweep, points) else list(map(self._frozen, points, mains))
        known = None not in frozen
        signs: dict[str, int] = {}
        for run, against, sign in zip(mains, frozen if known else plain, (1, -1), strict=True):
            if against is None:
                return
            for name, part in ((against, sign), (run.name, -sign)):
                signs[name] = signs.get(name, 0) + part
        terms = tuple((sign, name) for name, sign in signs.items() if sign)
        kind: Kind = "critical" if known and rates_match(self.study) else "context"
        yield NamedContrast("timing", points[0], points[1], terms, kind)


def _compared(run: Run, kind: str) -> str | None:
    return next((name for against, name in run.controls if against == kind), None)
