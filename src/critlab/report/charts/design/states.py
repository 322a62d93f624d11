"""What is on in a stretch of epochs, and runs in words, as the charts of a design share them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from critlab.analysis.tables.results import Results
from critlab.report.charts.shared.arms import sweep_arms
from critlab.report.text.names import arm_words
from critlab.study import Run, Study

CLEAN, FROZEN = "no deficit", "frozen: not trained"
SPARE = ("$deep6", "$late2", "$late6", "$clock", "$negative")
"""Colours of what has no curve of its own."""

CLEAN_RUNS = {
    "control": "clean",
    "newborn_control": "new network",
    "restarted_control": "clean, restarted",
    "same_clock_control": "clean, same schedule",
    "intervened_control": "clean, intervention",
    "equal_total_control": "clean, equal length",
    "undisturbed_control": "clean, no background",
}
"""Clean runs in words, by what they are for."""


@dataclass(frozen=True)
class Design:
    """The runs of a study in words, and the colours of what is on in them."""

    study: Study
    arms: Mapping[str, str]
    colours: Mapping[str, str]

    @classmethod
    def of(cls, results: Results) -> Design:
        """The design of a study; curves keep their names and colours."""
        study, curves = results.study, sweep_arms(results)
        roles = {run.arm: run.role for run in study.runs}
        colours = {CLEAN: "$control"}
        for curve in curves:
            if roles[curve.curve.arm] in ("deficit", "negative_control"):
                colours.setdefault(arm_words(study, curve.curve.arm), curve.colour)
        return cls(study, {one.curve.arm: one.name for one in curves}, {**colours, FROZEN: "$late20"})

    def state(self, run: Run, epoch: int) -> str:
        """What is on in ``epoch`` (epochs trained before it) of ``run``."""
        if epoch not in run.window or run.clean:
            return CLEAN
        if run.frozen:
            return FROZEN
        own = run.arm if run.role == "negative_control" else self._main
        return arm_words(self.study, own)

    @property
    def _main(self) -> str:
        return next((run.arm for run in self.study.runs if run.role == "deficit"), "")

    def stretches(self, run: Run) -> list[tuple[int, int, str]]:
        """First epoch, end and state of each stretch of ``run``."""
        edges = sorted({0, run.window.start, run.window.stop, run.total})
        return [(a, b, self.state(run, a)) for a, b in pairwise(edges) if b <= run.total]

    def coloured(self, states: Iterable[str]) -> dict[str, str]:
        """The colours of the states that occur, in a fixed order."""
        there = set(states)
        found = {state: colour for state, colour in self.colours.items() if state in there}
        spare = (SPARE[place % len(SPARE)] for place in range(len(there)))
        return {**found, **{state: next(spare) for state in sorted(there - found.keys())}}

    def words(self, run: Run) -> str:
        """A run by what it is for and its place, such as ``blur (factor 4), 10``; clean ones by their length."""
        if run.frozen:
            return f"frozen, {run.at}"
        if run.clean:
            at_a_point = run.role.startswith(("restarted", "same_clock", "intervened"))
            place = f"{run.at}" if at_a_point else f"{run.total} epochs"
            return f"{CLEAN_RUNS.get(run.role, run.role.replace('_', ' '))}, {place}"
        return f"{self.arms.get(run.arm, arm_words(self.study, run.arm)).removesuffix(' (negative control)')}, {run.at}"
