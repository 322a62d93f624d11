"""Tallies of numbers: distances between answer and target, and squared errors against the variance of the targets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from critlab.learning_tasks.scoring.scoring import Answers
from critlab.learning_tasks.tallies.summed import Floats, SummedTally

ROUNDING = 1e-12
"""A variance that is a smaller part of the summed squares is nothing but rounding."""


class Distances(SummedTally):
    """The sum of distances, and how many there are; the metric is their ratio."""

    def of(self, answers: Answers) -> Floats:
        """Both numbers of one batch."""
        error = (answers.predicted.double() - answers.labels.double()).abs()
        return np.asarray([float(error.sum()), error.numel()], dtype=np.float64)

    def result(self, total: Floats) -> float | None:
        """The mean."""
        return float(total[0] / total[1]) if total[1] else None


class ExplainedVariance(SummedTally):
    """Count, sums of targets, of their squares and of squared errors, ``(4, outputs)``; the metric is R2.

    Targets count from the first one of the whole pass, so that a large mean costs no digits.
    """

    def __init__(self) -> None:
        super().__init__()
        self.first: Floats | None = None

    def of(self, answers: Answers) -> Floats:
        """The four sums of one batch."""
        labels = answers.labels.double().cpu().numpy().reshape(len(answers.labels), -1)
        answered = answers.predicted.double().cpu().numpy().reshape(labels.shape)
        if self.first is None:
            self.first = labels[0].copy()
        away = labels - self.first
        count = np.full(labels.shape[1], float(len(labels)))
        return np.stack([count, away.sum(0), (away**2).sum(0), ((answered - labels) ** 2).sum(0)])

    def result(self, total: Floats) -> float | None:
        """The mean over the outputs whose targets differ."""
        count, sums, squares, errors = total.reshape(4, -1)
        variance = squares - sums**2 / count
        varies = variance > ROUNDING * squares
        return float((1 - errors[varies] / variance[varies]).mean()) if varies.any() else None

    def sums(self) -> list[float]:
        """The four sums, and the first target behind them."""
        return [] if self.first is None else [*super().sums(), *map(float, self.first)]

    def resume(self, sums: Sequence[float]) -> None:
        """See :class:`~critlab.learning_tasks.scoring.scoring.MetricTally`."""
        outputs = len(sums) // 5
        super().resume(sums[: 4 * outputs])
        self.first = np.asarray(sums[4 * outputs :], dtype=np.float64) if outputs else None
