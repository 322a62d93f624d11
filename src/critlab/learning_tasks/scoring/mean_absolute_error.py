"""Mean absolute error."""

from __future__ import annotations

from typing import ClassVar

from critlab.learning_tasks.metric import Metric
from critlab.learning_tasks.scoring.scoring import Asked, MetricTally, Scoring


class MeanAbsoluteError(Scoring):
    """The mean over examples and outputs of the distance between answer and target, in the unit of the targets."""

    name: ClassVar[str] = "mean_absolute_error"
    citation: ClassVar[str] = "the usual one"
    metric: ClassVar[Metric] = Metric("mean_absolute_error", "mean absolute error", better="lower", least=0.0)

    def tally(self) -> MetricTally:
        """The sum of distances, and how many there are."""
        from critlab.learning_tasks.tallies.distances import Distances

        return Distances()

    def of_constant(self, asked: Asked) -> float | None:
        """Of the median of each output."""
        import numpy as np

        labels = np.asarray(asked.labels, dtype=np.float64)
        return float(np.abs(labels - np.median(labels, axis=0)).mean()) if labels.size else None
