"""Mean intersection over union."""

from __future__ import annotations

from typing import ClassVar

from critlab.learning_tasks.metric import Metric
from critlab.learning_tasks.scoring.scoring import Asked, MetricTally, Scoring


class MeanIoU(Scoring):
    """The mean over the classes in the test data of ``right / (answered + asked - right)``, over all test pixels.

    The counts of the whole test set are added up before the division, as Pascal VOC and Cityscapes do.

    Source: Everingham et al. 2010 (Jaccard index).
    """

    name: ClassVar[str] = "mean_iou"
    citation: ClassVar[str] = "Everingham et al. 2010"
    metric: ClassVar[Metric] = Metric("mean_iou", "mean IoU", factor=100, least=0.0, most=1.0)

    def tally(self) -> MetricTally:
        """Counts by class."""
        from critlab.learning_tasks.tallies.class_counts import Overlaps

        return Overlaps()

    def of_constant(self, asked: Asked) -> float | None:
        """Of the most frequent class everywhere."""
        from critlab.learning_tasks.tallies.class_counts import asked_counts

        wanted = asked_counts(asked)
        present = int((wanted > 0).sum())
        return float(wanted.max() / wanted.sum() / present) if present else None
