"""Tallies that are vectors of sums, and the two simplest: right answers, and the loss."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from critlab.learning_tasks.scoring.scoring import Answers, MetricTally

Floats = NDArray[np.float64]


class SummedTally(MetricTally):
    """A tally of float64 numbers that are added up."""

    def __init__(self) -> None:
        self.total: Floats | None = None

    @abstractmethod
    def of(self, answers: Answers) -> Floats:
        """The numbers of one batch, always of the same shape."""

    @abstractmethod
    def result(self, total: Floats) -> float | None:
        """The metric of the sums."""

    def add(self, answers: Answers) -> None:
        """See :class:`MetricTally`."""
        found = self.of(answers)
        self.total = found if self.total is None else self.total.reshape(found.shape) + found

    def value(self) -> float | None:
        """See :class:`MetricTally`."""
        return None if self.total is None else self.result(self.total)

    def sums(self) -> list[float]:
        """See :class:`MetricTally`."""
        return [] if self.total is None else [float(one) for one in self.total.ravel()]

    def resume(self, sums: Sequence[float]) -> None:
        """See :class:`MetricTally`; the shape follows with the next batch."""
        self.total = np.asarray(sums, dtype=np.float64) if len(sums) else None


class RightAnswers(SummedTally):
    """Right answers, and answers that count; the metric is their ratio."""

    def of(self, answers: Answers) -> Floats:
        """Both numbers of one batch."""
        right = (answers.predicted == answers.labels) & answers.counted
        return np.asarray([int(right.sum()), int(answers.counted.sum())], dtype=np.float64)

    def result(self, total: Floats) -> float | None:
        """The share."""
        return float(total[0] / total[1]) if total[1] else None


class SummedLoss(SummedTally):
    """The sum of a mean loss over what counts, and how much counts; the metric is their ratio."""

    def of(self, answers: Answers) -> Floats:
        """Both numbers of one batch."""
        counted = int(answers.counted.sum())
        return np.asarray([float(answers.loss()) * counted, counted], dtype=np.float64)

    def result(self, total: Floats) -> float | None:
        """The mean."""
        return float(total[0] / total[1]) if total[1] else None
