"""Asking a rule about every training, onset and deficit of the bench, and setting its answers next to what came."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random

import numpy as np
from numpy.typing import NDArray

from critlab._core.errors import StudyError
from critlab.bench.answers import Answer, Rule, answers
from critlab.bench.records import records
from critlab.bench.trainings import NULL, BenchTraining

Floats = NDArray[np.float64]

REPEATS = 3
"""Forks that a rule is shown for each deficit, of as many seeds."""


@dataclass(frozen=True)
class JudgedRow:
    """What a rule said about one deficit at one onset, and what came of it.

    Args:
        training: its name.
        deficit: its name.
        held_out: whether the training is.
        answer: what the rule said.
        damage: lasting damage of the window, the mean over the seeds that the rule was not shown.
        stderr: its standard error.
        matched: damage at matched rates, over the same seeds; NaN for the identity.
        rate: learning rate at the onset as a share of the largest.
        spent: epochs that the rule's forks took for this deficit, as a share of the training.
    """

    training: str
    deficit: str
    held_out: bool
    answer: Answer
    damage: float
    stderr: float
    matched: float
    rate: float
    spent: float


@dataclass(frozen=True)
class Judged:
    """The rows of a rule as columns.

    Args:
        rows: one for each training, group of seeds, onset and deficit.
    """

    rows: tuple[JudgedRow, ...]

    @cached_property
    def training(self) -> NDArray[np.str_]:
        """Names, ``(rows,)``."""
        return np.array([row.training for row in self.rows])

    @cached_property
    def null(self) -> NDArray[np.bool_]:
        """The rows of the identity."""
        return np.array([row.deficit == NULL for row in self.rows])

    @cached_property
    def held_out(self) -> NDArray[np.bool_]:
        """The rows of held-out trainings."""
        return np.array([row.held_out for row in self.rows])

    @cached_property
    def sensitivity(self) -> Floats:
        """The number in each answer."""
        return np.array([row.answer.sensitivity for row in self.rows])

    @cached_property
    def state(self) -> NDArray[np.str_]:
        """The state in each answer."""
        return np.array([row.answer.state for row in self.rows])

    def column(self, name: str) -> Floats:
        """A number of each row: ``damage``, ``stderr``, ``matched``, ``rate`` or ``spent``."""
        return np.array([getattr(row, name) for row in self.rows], dtype=np.float64)

    @cached_property
    def damage(self) -> Floats:
        """Lasting damage."""
        return self.column("damage")

    def of(self, chosen: NDArray[np.bool_]) -> Judged:
        """Some of the rows."""
        return Judged(tuple(row for row, keep in zip(self.rows, chosen, strict=True) if keep))


def groups(seeds: int, repeats: int) -> list[tuple[int, ...]]:
    """Seeds in groups of ``repeats``; those left over are in none.

    Raises:
        StudyError: no seed would be left to measure damage on.
    """
    if not 1 <= repeats <= seeds // 2:
        raise StudyError(f"--repeats: received {repeats}; must be from 1 to {seeds // 2}")
    return [tuple(range(first, first + repeats)) for first in range(0, seeds - repeats + 1, repeats)]


def judged(rule: Rule, over: Sequence[BenchTraining], name: str = "rule", repeats: int = REPEATS) -> Judged:
    """What a rule answers at every onset, and what came of it.

    The rule is asked in a random order, and some questions are repeated.

    Args:
        rule: a function of :class:`~critlab.bench.records.Records`.
        over: trainings.
        name: for messages.
        repeats: forks of a deficit.

    Raises:
        StudyError: the rule fails, answers with something else, or differently at the second time.
    """
    asked = [
        (training, place, group)
        for training in over
        for place in range(len(training.onsets))
        for group in groups(training.seeds, repeats)
    ]
    order = Random(0).sample(range(len(asked)), len(asked))
    found: dict[int, list[JudgedRow]] = {}
    for number in [*order, *order[:: max(1, len(order) // 20)]]:
        rows = list(_rows(rule, *asked[number], name))
        if repr(found.setdefault(number, rows)) != repr(rows):
            raise StudyError(
                f"--rule: {name} answered differently when it was asked again about the same records; it must be a "
                "function of the records alone"
            )
    return Judged(tuple(row for number in range(len(asked)) for row in found[number]))


def _rows(rule: Rule, training: BenchTraining, place: int, group: tuple[int, ...], name: str) -> Iterator[JudgedRow]:
    onset = training.onsets[place]
    seen = records(training, onset, group)
    said = answers(rule, seen, name)
    others = [seed for seed in range(training.seeds) if seed not in group]
    for deficit in training.deficits:
        lasting = training.lasting(deficit)[place, others]
        yield JudgedRow(
            training.name,
            deficit,
            training.held_out,
            said[deficit],
            float(lasting.mean()),
            float(lasting.std(ddof=1) / len(others) ** 0.5),
            float(training.at_matched_rate(deficit)[place, others].mean()),
            float(training.rates[onset]),
            seen.spent / training.length,
        )
