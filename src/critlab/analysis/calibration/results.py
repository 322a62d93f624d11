"""What a calibration found: rates with their standard errors, for each null, power and interval."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from critlab._core.terminal.shown import Shown
from critlab.learning_tasks.metric import Metric

Seeds = int | str
"""A fixed number of seeds, or the numbers at the first and last look, such as ``3-20``."""


@dataclass(frozen=True)
class Rate:
    """A share of simulated studies.

    Args:
        value: the share.
        studies: how many were simulated.
    """

    value: float
    studies: int

    @property
    def stderr(self) -> float:
        """Its binomial standard error; with no or only successes that of one in as many studies."""
        within = min(max(self.value, 1 / max(self.studies, 1)), 1 - 1 / max(self.studies, 2))
        return math.sqrt(within * (1 - within) / max(self.studies, 1))

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {"value": self.value, "stderr": self.stderr, "studies": self.studies}


def pooled(rates: Iterable[Rate]) -> Rate:
    """One rate over all studies of several."""
    known = list(rates)
    studies = sum(rate.studies for rate in known)
    return Rate(sum(rate.value * rate.studies for rate in known) / max(studies, 1), studies)


@dataclass(frozen=True)
class NullRow:
    """Answers where some are false; None for an answer that is not false.

    Args:
        design: name of the study.
        truth: the true effects.
        noise: how seeds vary.
        seeds: of the study.
        false_present: share of studies called present.
        false_absent: called absent.
        false_damage_only: called damage without a critical period.
    """

    design: str
    truth: str
    noise: str
    seeds: Seeds
    false_present: Rate | None
    false_absent: Rate | None
    false_damage_only: Rate | None


@dataclass(frozen=True)
class PowerRow:
    """How often a planted critical period is found.

    Args:
        design: name of the study.
        damage: planted harm at its largest, in the unit of the study's metric; 0: nothing is planted, and "absent" is
            right.
        place: where: at the last point alone (the first onset), from the middle on, smoothly rising, everywhere.
        seeds: of the study.
        right: share called present; absent where nothing is planted (seeds then vary by 0.3 points).
        expected_seeds: mean number of seeds at which the study is decided or given up.
        fixed_seeds: of a sequential design: the seeds of the smallest fixed design of equal power; None where none of
            up to the last look has it.
    """

    design: str
    damage: float
    place: str
    seeds: Seeds
    right: Rate
    expected_seeds: float
    fixed_seeds: int | None = None


@dataclass(frozen=True)
class CoverageRow:
    """How often an interval holds the truth.

    Args:
        design: name of the study.
        interval: ``each`` (the damage with the worst coverage), ``largest`` (the largest estimate of its kind) or
            ``closing``.
        shape: of the true curve.
        noise: how seeds vary.
        seeds: of the study.
        held: share of the studies whose interval holds the truth.
    """

    design: str
    interval: str
    shape: str
    noise: str
    seeds: Seeds
    held: Rate


@dataclass(frozen=True)
class FailingRow:
    """False "absent" where some seeds of runs with the deficit fail badly.

    Args:
        share: of seeds that fail; the mean damage is 1.5 times the smallest of interest.
        seeds: of the study.
        false_absent: share of studies called absent.
        unseen: probability that no failing seed is among them: no rule can be right more often.
    """

    design: str
    share: float
    seeds: Seeds
    false_absent: Rate
    unseen: float


@dataclass(frozen=True, repr=False)
class Calibration(Shown):
    """Error rates, power and coverage of one or several designs.

    Args:
        studies: simulated for each row.
        seed: of all random numbers.
        designs: names of the studies.
        metrics: in which the damages of each design are measured, by its name.
        looks: of the sequential design.
        level: one-sided, at each of them.
        nulls: false answers.
        power: planted critical periods.
        coverage: of damages and of the closing.
        failing: with seeds that fail.
    """

    studies: int
    seed: int
    designs: tuple[str, ...]
    metrics: Mapping[str, Metric]
    looks: tuple[int, ...]
    level: float
    nulls: tuple[NullRow, ...]
    power: tuple[PowerRow, ...]
    coverage: tuple[CoverageRow, ...]
    failing: tuple[FailingRow, ...]

    def worst_null(self, answer: str) -> tuple[str, str, Rate] | None:
        """Truth, noise and rate of the null with the largest share of a false answer, over all designs and seeds."""
        found: dict[tuple[str, str], list[Rate]] = {}
        for row in self.nulls:
            rate = getattr(row, answer)
            if rate is not None:
                found.setdefault((row.truth, row.noise), []).append(rate)
        worst = max(found.items(), key=lambda one: pooled(one[1]).value, default=None)
        return None if worst is None else (*worst[0], pooled(worst[1]))

    def worst_coverage(self, intervals: Sequence[str]) -> Rate | None:
        """The worst coverage of some intervals by shape of the curve and noise, over all designs and seeds.

        The worst is smallest in its coverage plus two standard errors: few intervals are not the worst by chance.
        """
        found: dict[tuple[str, str, str], list[Rate]] = {}
        for row in self.coverage:
            if row.interval in intervals:
                found.setdefault((row.interval, row.shape, row.noise), []).append(row.held)
        rates = [pooled(rates) for rates in found.values()]
        return min(rates, key=lambda rate: rate.value + 2 * rate.stderr, default=None)

    def document(self) -> dict[str, Any]:
        """As JSON: worst values with their standard errors, and all rows."""
        answers = ("false_present", "false_absent", "false_damage_only")
        return {
            "schema_version": 1,
            "studies": self.studies,
            "seed": self.seed,
            "designs": list(self.designs),
            **{answer: self._answer(answer) for answer in answers},
            "power": [_row(row, right=row.right) for row in self.power],
            "coverage": {
                "damages": self._coverage(("each", "largest")),
                "closing": self._coverage(("closing",)),
            },
            "sequential": {"looks": list(self.looks), "level": self.level},
            "failing_seeds": [_row(row, false_absent=row.false_absent) for row in self.failing],
        }

    def _answer(self, answer: str) -> dict[str, Any]:
        worst = self.worst_null(answer)
        rows = [
            {"design": row.design, "truth": row.truth, "noise": row.noise, "seeds": row.seeds, **rate.document()}
            for row in self.nulls
            if (rate := getattr(row, answer)) is not None
        ]
        if worst is None:
            return {"value": None, "stderr": None, "studies": 0, "rows": rows}
        return {**worst[2].document(), "truth": worst[0], "noise": worst[1], "rows": rows}

    def _coverage(self, intervals: Sequence[str]) -> dict[str, Any]:
        worst = self.worst_coverage(intervals)
        rows = [_row(row, held=row.held) for row in self.coverage if row.interval in intervals]
        empty = {"value": None, "stderr": None, "studies": 0}
        return {**(worst.document() if worst else empty), "rows": rows}


def _row(row: Any, **rates: Rate) -> dict[str, Any]:
    """A row with its rate's value, standard error and number of studies in place of the rate."""
    (name,) = rates
    found = {key: value for key, value in vars(row).items() if key != name}
    return {**found, **rates[name].document()}
