"""The loss of a task."""

from __future__ import annotations

from typing import ClassVar

from critlab.learning_tasks.metric import Metric
from critlab.learning_tasks.scoring.scoring import MetricTally, Scoring


class Loss(Scoring):
    """The mean loss of the task over all labels that count; of cross entropies in nats."""

    name: ClassVar[str] = "loss"
    citation: ClassVar[str] = "the usual one"
    metric: ClassVar[Metric] = Metric("loss", "loss", better="lower")

    def tally(self) -> MetricTally:
        """The summed loss, and the labels that count."""
        from critlab.learning_tasks.tallies.summed import SummedLoss

        return SummedLoss()
