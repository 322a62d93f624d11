"""R2: the share of the variance that is explained."""

from __future__ import annotations

from typing import ClassVar

from critlab.learning_tasks.metric import Metric
from critlab.learning_tasks.scoring.scoring import Asked, MetricTally, Scoring


class R2(Scoring):
    """One minus the squared error through the variance of the test targets; with several outputs, their mean.

    Outputs whose test targets are all equal have no value and are left out.

    Source: Wright 1921, coefficient of determination.
    """

    name: ClassVar[str] = "r2"
    citation: ClassVar[str] = "Wright 1921"
    metric: ClassVar[Metric] = Metric("r2", "R2", most=1.0)

    def tally(self) -> MetricTally:
        """Sums of targets, of their squares and of squared errors, by output."""
        from critlab.learning_tasks.tallies.distances import ExplainedVariance

        return ExplainedVariance()

    def of_constant(self, asked: Asked) -> float | None:
        """0, that of the mean."""
        return 0.0

    def refusal(self, asked: Asked) -> str:
        """It needs targets that differ."""
        if (asked.labels == asked.labels[:1]).all():
            return f"all test targets are {asked.labels[:1].tolist()[0]}; it needs targets that differ"
        return ""
