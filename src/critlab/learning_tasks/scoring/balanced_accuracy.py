"""Balanced accuracy."""

from __future__ import annotations

from typing import ClassVar

from critlab.learning_tasks.metric import Metric
from critlab.learning_tasks.scoring.scoring import Asked, MetricTally, Scoring


class BalancedAccuracy(Scoring):
    """The mean over the classes in the test data of the share of each that is given right.

    Source: Brodersen et al. 2010; with two classes the mean of sensitivity and specificity.
    """

    name: ClassVar[str] = "balanced_accuracy"
    citation: ClassVar[str] = "Brodersen et al. 2010"
    metric: ClassVar[Metric] = Metric("balanced_accuracy", "balanced accuracy", factor=100, least=0.0, most=1.0)

    def tally(self) -> MetricTally:
        """Counts by class."""
        from critlab.learning_tasks.tallies.class_counts import Recalls

        return Recalls()

    def of_constant(self, asked: Asked) -> float | None:
        """One through the number of classes in the test data."""
        from critlab.learning_tasks.tallies.class_counts import asked_counts

        present = int((asked_counts(asked) > 0).sum())
        return 1 / present if present else None

    def refusal(self, asked: Asked) -> str:
        """It needs two classes."""
        from critlab.learning_tasks.tallies.class_counts import has_both

        return "" if has_both(asked) else "the test labels have one class alone; it needs two"
