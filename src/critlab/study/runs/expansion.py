"""From a study to its runs: the sweep itself and everything that it is compared with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from critlab.deficits import Deficit
from critlab.study.ingredients.intervention import Intervention
from critlab.study.ingredients.window import Window
from critlab.study.ingredients.window_override import WindowOverride
from critlab.study.runs.recipe import recipes
from critlab.study.runs.run import Contrast, Role, Run
from critlab.study.runs.timing_windows import equal_rates, loses_time_alike, rates_in_window, timing_points
from critlab.study.schedules import schedule
from critlab.study.types import Place

if TYPE_CHECKING:
    from critlab.study.study import Study


def expand(study: Study) -> tuple[Run, ...]:
    """The runs of ``study``, each once: the sweep, its controls, and the clean runs that they are compared with."""
    return _Expansion(study).expanded()


def labels(deficits: Iterable[Deficit]) -> dict[Deficit, str]:
    """Each deficit's name; with its options where another of ``deficits`` has the same name."""
    distinct = set(deficits)
    counts = Counter(deficit.name for deficit in distinct)
    return {deficit: deficit.name if counts[deficit.name] < 2 else _with_options(deficit) for deficit in distinct}


def _with_options(deficit: Deficit) -> str:
    return f"{deficit.name}({', '.join(f'{k}={v}' for k, v in deficit.special().items())})"


DELAY = "delay"
"""The arm of the runs that are frozen in the window."""


class _Treatment(NamedTuple):
    """What distinguishes the runs of one arm from those of another."""

    role: Role
    deficit: Deficit | None
    switch: WindowOverride | None
    clock: str
    intervention: Intervention | None
    frozen: bool = False


class _Expansion:
    """Collects runs by name, so that a clean run that several arms are compared with is there once."""

    def __init__(self, study: Study) -> None:
        self.study, self.sweep = study, study.sweep
        standing = (one.deficit for one in study.background)
        named = (study.deficit, *study.controls.deficits, *standing)
        self.labels = labels(deficit for deficit in named if deficit is not None)
        self.main = _Treatment("deficit", study.deficit, study.switch, study.optimizer.clock, study.intervention)
        self.runs: dict[str, Run] = {}

    def expanded(self) -> tuple[Run, ...]:
        controls, points = self.study.controls, self.sweep.points
        if self.sweep.origin is not None:
            self.plain(self.sweep.baseline_epochs(self.sweep.shortest))
        self.swept(self.main, points)
        held = points if controls.at is None else controls.at
        switch = self.study.switch if self.study.deficit else None
        for deficit in controls.deficits:
            self.swept(self.main._replace(role="negative_control", deficit=deficit, switch=switch), held)
        for clock in controls.clocks or ():
            other = [at for at in held if _lasting(clock, at) != _lasting(self.main.clock, at)]
            self.swept(self.main._replace(role="clock_control", clock=clock), other)
        for intervention in controls.interventions:
            removed = [at for at in held if at != "never"]
            self.swept(self.main._replace(role="intervention_control", intervention=intervention), removed)
        if controls.clocks is None:
            self.restarted_main()
        if controls.delay:
            self.delayed()
        if controls.delay or controls.clocks is None:
            for at in self.control_points:
                self.plain(self.sweep.run_epochs(at) - self.sweep.window(at).stop, "newborn_control")
        return tuple(self.runs.values())

    @property
    def control_points(self) -> tuple[Place, ...]:
        """The points of the default clock."""
        held = self.study.controls.at or self.sweep.control_points
        return tuple(at for at in held if at in self.sweep.treated and self.sweep.tested(at))

    @property
    def delay_points(self) -> tuple[Place, ...]:
        """The points of the delay control: also both windows of a timing from which lost time must be subtracted."""
        ends = timing_points(self.sweep)
        if self.study.controls.at is not None or ends is None or loses_time_alike(self.sweep, ends):
            return self.control_points
        first, last = (rates_in_window(self.study, self.run(self.main, at)) for at in ends)
        matched = self.study.optimizer.schedule_known and equal_rates(first, last)
        return tuple(dict.fromkeys((*self.control_points, *ends))) if matched else self.control_points

    def restarted_main(self) -> None:
        """The study's deficit on the restarted clock, unless its recovery has the same recipes without a restart."""
        clock = schedule(self.main.clock).restarted or self.main.clock
        for at in self.control_points:
            if clock != self.main.clock:
                main, other = self.run(self.main, at), self.run(self.main._replace(clock=clock), at)
                if recipes(main, self.study) != recipes(other, self.study):
                    self.swept(self.main._replace(role="clock_control", clock=clock), [at])

    def delayed(self) -> None:
        """The frozen runs; where a clean run that is as much shorter has the same recipes, it takes their place."""
        frozen = self.main._replace(role="delay_control", deficit=None, switch=None, frozen=True)
        for at in self.delay_points:
            run = self.run(frozen, at)
            trained = [recipe for recipe in recipes(run, self.study) if not recipe.frozen]
            clean = Run("", "", "newborn_control", 0, None, Window(0, 0), self.clean_clock, len(trained))
            clean = replace(clean, background=self.study.background)
            if self.study.optimizer.schedule_known and recipes(clean, self.study) == trained:
                self.plain(len(trained), "newborn_control")
            else:
                self.swept(frozen, [at])

    def swept(self, treatment: _Treatment, points: Iterable[Place]) -> None:
        """The runs of one arm, each after the clean runs that it is compared with."""
        treated = self.sweep.treated
        for at in points:
            if at in treated:
                self.deprived(treatment, at)

    def deprived(self, treatment: _Treatment, at: Place) -> None:
        run = self.run(treatment, at)
        self.runs.setdefault(run.name, replace(run, controls=self.controls(run)))

    def run(self, treatment: _Treatment, at: Place) -> Run:
        """The run of an arm at a point, without the clean runs that it is compared with."""
        window, total = self.sweep.window(at), self.sweep.run_epochs(at)
        clock = _lasting(treatment.clock, at)
        intervention = treatment.intervention
        if at == "never" or (intervention is not None and intervention.changes_nothing):
            intervention = None
        arm = self.arm(treatment, at)
        name = f"{arm.replace(' ', '-')}-{window.start}-{window.stop}-of-{total}"
        return Run(
            name=name,
            arm=arm,
            role=treatment.role,
            at=at,
            deficit=treatment.deficit,
            window=window,
            clock=clock,
            total=total,
            switch=treatment.switch,
            intervention=intervention,
            background=self.study.background,
            frozen=treatment.frozen,
        )

    def arm(self, treatment: _Treatment, at: Place) -> str:
        """What is on in the window, and what differs from the study itself afterwards."""
        if treatment.frozen:
            return DELAY
        parts = [self.labels[treatment.deficit]] if treatment.deficit else []
        words = " + ".join([*parts, *([treatment.switch.words()] if treatment.switch else [])])
        if _lasting(treatment.clock, at) != _lasting(self.main.clock, at):
            words += f" {treatment.clock}"
        if treatment.intervention != self.main.intervention and treatment.intervention is not None:
            words += f" {treatment.intervention.words()}"
        return words

    def controls(self, run: Run) -> tuple[Contrast, ...]:
        """The clean runs to compare ``run`` with; the sweep says which comes first."""
        window, total, clock, intervention = run.window, run.total, run.clock, run.intervention
        usual = self.sweep.baseline_epochs(total)
        found = [Contrast("plain", self.plain(usual))]
        if self.sweep.origin is not None and self.study.controls.equal_total:
            found.append(Contrast("equal_total", self.plain(total, "equal_total_control")))
        twin: Contrast | None = None
        if schedule(clock).restarts:
            twin = Contrast("restarted", self.restarted(clock, window.stop, total))
        elif clock != self.clean_clock:
            twin = Contrast("same_clock", self.same_clock(clock, usual))
        if twin is not None:
            found.insert(0 if self.sweep.same_clock_first else len(found), twin)
        if intervention is not None:
            found.append(Contrast("intervened", self.intervened(clock, intervention, window.stop, total)))
        if self.study.background:
            found.append(Contrast("undisturbed", self.undisturbed(usual)))
        return tuple(found)

    @property
    def clean_clock(self) -> str:
        return schedule(self.main.clock).clean or self.main.clock

    def plain(self, total: int, role: Role = "control") -> str:
        """A clean run under the study's clock, as if the deficit had been removed before it began."""
        arm = {"control": "control", "newborn_control": "control newborn"}.get(role, "control equal_total")
        return self.clean(Run(f"control-of-{total}", arm, role, 0, None, Window(0, 0), self.clean_clock, total))

    def undisturbed(self, total: int) -> str:
        """As the plain control, but without the background: no deficit at all."""
        name, arm = f"control-undisturbed-of-{total}", "control undisturbed"
        run = Run(name, arm, "undisturbed_control", 0, None, Window(0, 0), self.clean_clock, total)
        return self.runs.setdefault(name, run).name

    def restarted(self, clock: str, epoch: int, total: int) -> str:
        name, arm = f"control-{schedule(clock).run_word or clock}-{epoch}-of-{total}", f"control {clock}"
        return self.clean(Run(name, arm, "restarted_control", epoch, None, Window(epoch, epoch), clock, total))

    def same_clock(self, clock: str, total: int) -> str:
        name, arm = f"control-{clock}-of-{total}", f"control {clock}"
        return self.clean(Run(name, arm, "same_clock_control", 0, None, Window(0, 0), clock, total))

    def intervened(self, clock: str, intervention: Intervention, epoch: int, total: int) -> str:
        arm = f"control {intervention.words()}" + ("" if clock == self.main.clock else f" {clock}")
        name = f"{arm.replace(' ', '-')}-{epoch}-of-{total}"
        window = Window(epoch, epoch)
        run = Run(name, arm, "intervened_control", epoch, None, window, clock, total, intervention=intervention)
        return self.clean(run)

    def clean(self, run: Run) -> str:
        return self.runs.setdefault(run.name, replace(run, background=self.study.background)).name


def _lasting(clock: str, at: Place) -> str:
    """The clock at a point of the sweep: where the deficit lasts, none restarts."""
    return (schedule(clock).lasting or clock) if at == "never" else clock
