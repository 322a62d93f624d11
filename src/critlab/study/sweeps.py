"""From a study to its runs: the sweep itself and everything that it is compared with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from critlab.deficits import Deficit
from critlab.study.choices import Clock, RemovalSweep, WindowSweep
from critlab.study.run import Against, Role, Run, Window

if TYPE_CHECKING:
    from critlab.study.study import Study


def expand(study: Study) -> tuple[Run, ...]:
    """The runs of ``study``, each once: the sweep, its controls, and the clean runs that they are compared with."""
    return _Expansion(study).expanded()


def label(deficit: Deficit, among: Iterable[Deficit]) -> str:
    """The deficit's name; with its options where another of ``among`` has the same name."""
    if sum(other.name == deficit.name for other in set(among)) < 2:
        return deficit.name
    options = ", ".join(f"{k}={v}" for k, v in deficit.special().items())
    return f"{deficit.name}({options})"


class _Expansion:
    """Collects runs by name, so that a clean run that several arms are compared with is there once."""

    def __init__(self, study: Study) -> None:
        self.study, self.sweep = study, study.sweep
        self.clock: Clock = study.optimizer.clock
        self.deficits = (study.deficit, *study.controls.deficits)
        self.runs: dict[str, Run] = {}

    def expanded(self) -> tuple[Run, ...]:
        controls, points = self.study.controls, self.sweep.points
        if isinstance(self.sweep, RemovalSweep):
            self.clean("control", self.sweep.total_epochs(0))
        for at in points:
            self.deprived("deficit", self.study.deficit, at, self.clock)
        held = points if controls.at is None else controls.at
        for deficit in controls.deficits:
            for at in held:
                self.deprived("negative_control", deficit, at, self.clock)
        for clock in controls.clocks:
            for at in held:
                if clock != self.clock and at != "never":
                    self.deprived("clock_control", self.study.deficit, at, clock)
        return tuple(self.runs.values())

    def deprived(self, role: Role, deficit: Deficit, at: int | str, clock: Clock) -> None:
        """One run with a deficit, after the clean runs that it is compared with."""
        window, total = self.window(at)
        if isinstance(self.sweep, RemovalSweep) and at == 0:
            return
        if at == "never":
            clock = "absolute"
        arm = label(deficit, self.deficits) + ("" if clock == self.clock or at == "never" else f" {clock}")
        name = f"{arm.replace(' ', '-')}-{window.start}-{window.stop}-of-{total}"
        run = Run(
            name=name,
            arm=arm,
            role=role,
            at="never" if at == "never" else int(at),
            deficit=deficit,
            window=window,
            clock=clock,
            total=total,
            controls=self.controls(window, total, clock, at),
        )
        self.runs.setdefault(name, run)

    def window(self, at: int | str) -> tuple[Window, int]:
        if isinstance(self.sweep, WindowSweep):
            stop = int(at) + self.sweep.length
            return Window(int(at), stop), self.sweep.total_epochs(stop)
        if at == "never":
            last = max((v for v in self.sweep.at if v != "never"), default=0)
            total = self.sweep.total_epochs(last)
            return Window(0, total), total
        return Window(0, int(at)), self.sweep.total_epochs(int(at))

    def controls(self, window: Window, total: int, clock: Clock, at: int | str) -> tuple[tuple[Against, str], ...]:
        """The clean runs to compare with; in a window sweep the first has the same total and the same clock."""
        found: list[tuple[Against, str]] = []
        if isinstance(self.sweep, RemovalSweep):
            found.append(("plain", self.clean("control", self.sweep.total_epochs(0))))
            if self.study.controls.equal_total:
                found.append(("equal_total", self.clean("equal_total_control", total)))
        else:
            found.append(("plain", self.clean("control", total)))
        if clock == "since_removal" and at != "never":
            restarted: tuple[Against, str] = ("restarted", self.restarted(window.stop, total))
            found.insert(0 if isinstance(self.sweep, WindowSweep) else len(found), restarted)
        return tuple(found)

    def clean(self, role: Role, total: int) -> str:
        name = f"control-of-{total}"
        arm = "control" if role == "control" else "control equal_total"
        run = Run(name, arm, role, 0, None, Window(0, 0), "absolute", total)
        return self.runs.setdefault(name, run).name

    def restarted(self, epoch: int, total: int) -> str:
        name = f"control-restarted-{epoch}-of-{total}"
        arm = "control since_removal"
        run = Run(name, arm, "restarted_control", epoch, None, Window(epoch, epoch), "since_removal", total)
        return self.runs.setdefault(name, run).name
