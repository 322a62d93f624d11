"""Answers of forks through a training, and when the period closed: what was said is not taken back by one reading."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from critlab.hooks.sensitivity.answer import Answer, DeficitSensitivity, Sensitivity
from critlab.learning_tasks import ACCURACY, Metric

CONFIRMED = 2
"""Readings in a row that say closed before the course says so: each alone is false in up to 2.5 %."""


@dataclass(frozen=True)
class Closing:
    """When the period of one deficit closed, as far as the readings so far can say.

    Args:
        answer: ``closed`` once two readings in a row say so and none after them says open; ``open`` while the latest
            decided reading does; else ``undecided``.
        low: the latest onset that was found open; 0 where none was.
        high: the first onset of the confirmed closing; infinite before.
        estimate: between them, where the damage crosses the smallest of interest; None before the closing.
    """

    answer: Answer
    low: float
    high: float
    estimate: float | None


@dataclass(frozen=True)
class Course:
    """Answers at several epochs of one training.

    Args:
        looks: in the order of their epochs.
    """

    looks: tuple[Sensitivity, ...]

    def of(self, deficit: str) -> tuple[DeficitSensitivity, ...]:
        """The answers for one deficit, by onset."""
        return tuple(one[deficit] for one in self.looks if deficit in one)

    @property
    def deficits(self) -> tuple[str, ...]:
        """Names of all deficits."""
        return tuple(dict.fromkeys(name for one in self.looks for name in one))

    @property
    def metric(self) -> Metric:
        """What all damages are measured in; accuracy without answers."""
        return next((one.metric for look in self.looks for one in look.values()), ACCURACY)

    @property
    def latest(self) -> dict[str, DeficitSensitivity]:
        """The latest answer for each deficit."""
        return {name: self.of(name)[-1] for name in self.deficits}

    @property
    def closings(self) -> dict[str, Closing]:
        """When the period of each deficit closed."""
        return {name: closing(self.of(name)) for name in self.deficits}

    @property
    def spent(self) -> int:
        """Epochs that were trained for all of it."""
        return sum(one.spent for one in self.looks)

    def rows(self) -> list[dict[str, Any]]:
        """One row for each deficit and epoch, as a table takes them."""
        return [row(one) for look in self.looks for one in look.values()]

    def __len__(self) -> int:
        return len(self.looks)


def row(one: DeficitSensitivity) -> dict[str, Any]:
    """An answer as plain values; what is not known is None."""
    damage, made = one.damage, one.forecasted
    return {
        "epoch": one.onset,
        "deficit": one.deficit,
        "answer": one.answer,
        "reason": one.reason,
        "metric": one.metric.name,
        "unit": one.metric.unit,
        "smallest_damage": one.smallest,
        "repeats": damage.n,
        "damage_now": damage.mean,
        "damage_now_low": finite(damage.low),
        "damage_now_high": finite(damage.high),
        "healing": one.healing,
        "forecast": one.forecast,
        "forecast_low": one.low,
        "forecast_high": one.high,
        "forecast_tested": None if made is None else made.tested,
        "spent": one.spent,
    }


def finite(value: float | None) -> float | None:
    """A number, or None where it is not finite, as JSON has no infinity."""
    return value if value is not None and math.isfinite(value) else None


def closing(readings: Sequence[DeficitSensitivity]) -> Closing:
    """When the period closed.

    Args:
        readings: of one deficit, by onset.

    Error: the closing lies outside of ``[low, high]`` if a reading called open was not, or if two readings in a row
    called closed were not. A period that opens again, as with a cyclic learning rate, moves both ends.
    """
    return closing_of([(one.onset, one.answer, one.damage_now) for one in readings], _smallest(readings))


def closing_of(readings: Iterable[tuple[float, Answer, float]], smallest: float) -> Closing:
    """When the period closed, from onsets with their answers and damages; see :func:`closing`."""
    low, last_open = 0.0, math.inf
    run: list[tuple[float, float]] = []
    decided: Answer = "undecided"
    for onset, answer, damage in readings:
        if answer == "open":
            low, last_open, run = onset, damage, []
        elif answer == "closed":
            run.append((onset, damage))
        decided = answer if answer != "undecided" else decided
    if len(run) < CONFIRMED:
        return Closing("open" if decided == "open" else "undecided", low, math.inf, None)
    high, damage = run[0]
    return Closing("closed", low, high, _crossing(low, last_open, high, damage, smallest))


def _crossing(low: float, above: float, high: float, below: float, smallest: float) -> float:
    """Where a straight line from ``(low, above)`` to ``(high, below)`` crosses the smallest damage."""
    if not math.isfinite(above) or above <= smallest or below >= smallest:
        return (low + high) / 2
    return low + (high - low) * (above - smallest) / (above - below)


def _smallest(readings: Sequence[DeficitSensitivity]) -> float:
    return readings[-1].smallest if readings else 0.0
