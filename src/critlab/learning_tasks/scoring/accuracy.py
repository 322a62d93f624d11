"""Accuracy."""

from __future__ import annotations

from typing import ClassVar

from critlab.learning_tasks.metric import ACCURACY, Metric
from critlab.learning_tasks.scoring.scoring import Asked, MetricTally, Scoring


class Accuracy(Scoring):
    """The share of labels that are given right; each pixel, token and label of several counts."""

    name: ClassVar[str] = "accuracy"
    citation: ClassVar[str] = "the usual one"
    metric: ClassVar[Metric] = ACCURACY

    def tally(self) -> MetricTally:
        """Right answers, and answers that count."""
        from critlab.learning_tasks.tallies.summed import RightAnswers

        return RightAnswers()

    def of_constant(self, asked: Asked) -> float | None:
        """The share of the most frequent label; with several labels, of the more frequent value of each."""
        import numpy as np

        from critlab.learning_tasks.tallies.class_counts import asked_counts

        counted, wanted = asked.counted.sum(), asked_counts(asked)
        if not counted:
            return None
        if asked.columns:
            return float(np.maximum(wanted, asked.counted.sum(0) - wanted).sum() / counted)
        return float(wanted.max() / counted)
