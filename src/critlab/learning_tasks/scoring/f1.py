"""F1."""

from __future__ import annotations

from typing import ClassVar

from critlab.learning_tasks.metric import Metric
from critlab.learning_tasks.scoring.scoring import Asked, MetricTally, Scoring


class F1(Scoring):
    """The harmonic mean of precision and recall, ``2 right / (answered + asked)``.

    With two classes it is that of class 1. With more classes or several labels it is the mean over those that occur in
    the test data, each counted equally (macro F1).

    Source: van Rijsbergen 1979.
    """

    name: ClassVar[str] = "f1"
    citation: ClassVar[str] = "van Rijsbergen 1979"
    metric: ClassVar[Metric] = Metric("f1", "F1", factor=100, least=0.0, most=1.0)

    def tally(self) -> MetricTally:
        """Counts by class."""
        from critlab.learning_tasks.tallies.class_counts import HarmonicMeans

        return HarmonicMeans()

    def of_constant(self, asked: Asked) -> float | None:
        """With two classes or several labels, of 1 everywhere; with more classes, of the best one everywhere."""
        from critlab.learning_tasks.tallies.class_counts import asked_counts

        wanted = asked_counts(asked)
        count = asked.counted.sum(0) if asked.columns else asked.counted.sum()
        if self.refusal(asked):
            return None
        present = wanted > 0
        each = 2 * wanted[present] / ((count[present] if asked.columns else count) + wanted[present])
        if asked.columns:
            return float(each.mean())
        return float(each[-1]) if asked.classes == 2 else float(each.max() / present.sum())

    def refusal(self, asked: Asked) -> str:
        """It needs something to find."""
        from critlab.learning_tasks.tallies.class_counts import asked_counts

        wanted = asked_counts(asked)
        found = wanted[1] > 0 if asked.classes == 2 and not asked.columns else (wanted > 0).any()
        return "" if found else "no test label is 1; it needs at least one"
