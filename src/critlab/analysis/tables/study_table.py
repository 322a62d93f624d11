"""Everything that is known about a study: its tidy table, and what became of its runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from critlab.analysis.final_score import final_score
from critlab.analysis.tables.table import Outcome, Row
from critlab.learning_tasks.metric import Metric
from critlab.study.runs.run import Run
from critlab.study.runs.stages import Look
from critlab.study.study import Study

if TYPE_CHECKING:
    from critlab.engine.records.command_record import Command
    from critlab.engine.records.examples_record import ExamplePictures
    from critlab.engine.records.makers import Maker
    from critlab.measures.correct_images import CorrectImages
    from critlab.measures.picture import Picture

CURVE_ROLES = ("deficit", "negative_control", "clock_control", "intervention_control")
"""The roles of the runs that are points of a curve."""

PicturePlace = tuple[str, int, str, str]
"""Readable name of run and seed, epoch, quantity, layer."""

Scores = tuple[float, float | None]
"""The study's metric on test and, where it is known, on training data, at the end of a run."""


@dataclass(frozen=True)
class StudyTable:
    """Everything that is known about a study.

    Args:
        study: the question.
        rows: the tidy table, ordered by run, epoch, quantity and layer.
        outcomes: what became of every run and seed.
        provenance: versions, machine, numerics and time, as plain JSON values.
        pictures: arrays that belong to a number of the table, by its run, epoch, quantity and layer.
        chance: what the best constant answer reaches in the study's metric, such as the share of the most frequent
            label; None where it is not known.
        correct: which test images were classified correctly, by readable name of run and seed, and epoch; only where
            the store knows.
        makers: how many records of each run and seed were made on what kind of machine, by its readable name.
        looks: the looks at the study that the store remembers, in order.
        commands: the commands that worked on the study, by time; those of earlier versions left none.
        examples: a few training examples with and without the deficit; None where the store has none.
    """

    study: Study
    rows: tuple[Row, ...]
    outcomes: tuple[Outcome, ...]
    provenance: Mapping[str, Any] = field(default_factory=dict)
    pictures: Mapping[PicturePlace, Picture] = field(default_factory=dict)
    chance: float | None = None
    makers: Mapping[str, Mapping[Maker, int]] = field(default_factory=dict)
    correct: Mapping[tuple[str, int], CorrectImages] = field(default_factory=dict)
    looks: tuple[Look, ...] = ()
    commands: tuple[Command, ...] = ()
    examples: ExamplePictures | None = None

    @cached_property
    def by_run(self) -> Mapping[str, tuple[Row, ...]]:
        """The rows of each run and seed, by its readable name."""
        found: dict[str, list[Row]] = {outcome.name: [] for outcome in self.outcomes}
        for row in self.rows:
            found[row.run].append(row)
        return {name: tuple(rows) for name, rows in found.items()}

    @cached_property
    def run_named(self) -> Mapping[str, Run]:
        """Each run of the study, whatever the seed, by its name."""
        return {run.name: run for run in self.study.runs}

    @cached_property
    def arms(self) -> Mapping[str, tuple[Run, ...]]:
        """The swept runs of each arm that has a curve, in the order of the study."""
        found: dict[str, list[Run]] = {}
        for run in self.study.runs:
            if run.role in CURVE_ROLES:
                found.setdefault(run.arm, []).append(run)
        return {arm: tuple(runs) for arm, runs in found.items()}

    @cached_property
    def outcomes_of(self) -> Mapping[str, tuple[Outcome, ...]]:
        """What became of each run with every seed, by the run's name."""
        found: dict[str, list[Outcome]] = {}
        for outcome in self.outcomes:
            found.setdefault(outcome.run.name, []).append(outcome)
        return {name: tuple(outcomes) for name, outcomes in found.items()}

    @cached_property
    def outcome_named(self) -> Mapping[str, Outcome]:
        """What became of each run and seed, by its readable name."""
        return {outcome.name: outcome for outcome in self.outcomes}

    @cached_property
    def image_samples(self) -> dict[tuple[tuple[float, str], ...], Any]:
        """What :func:`critlab.analysis.test_images.image_sample` has computed, by contrast; it adds what it lacks."""
        return {}

    @cached_property
    def metric(self) -> Metric:
        """The metric in which damage is measured."""
        return self.study.metric

    @cached_property
    def final_scores(self) -> Mapping[str, Scores]:
        """The final scores of each run and seed that is done and was tested, by its readable name."""
        found: dict[str, Scores] = {}
        epochs = self.study.statistics.final_epochs
        for outcome in self.outcomes:
            rows = self.by_run[outcome.name] if outcome.status == "done" else ()
            test, train = (final_score(rows, epochs, name) for name in (self.metric.test, self.metric.train))
            if test is not None:
                found[outcome.name] = (test, train)
        return found
