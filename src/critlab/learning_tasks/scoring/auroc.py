"""Area under the ROC curve."""

from __future__ import annotations

from typing import ClassVar

from critlab.learning_tasks.metric import Metric
from critlab.learning_tasks.scoring.scoring import Asked, MetricTally, Scoring


class AUROC(Scoring):
    """The probability that an example with the label is scored above one without it; equal scores count one half.

    It is exact over the whole test set, not a mean of batches. With several classes it is the mean over the classes of
    one class against the rest, in the order of the softmax; with several labels it is their mean. A class or label that
    all test examples have, or none, is left out.

    Source: Hanley and McNeil 1982, by ranks. Memory: 9 bytes for each test label and class.
    """

    name: ClassVar[str] = "auroc"
    citation: ClassVar[str] = "Hanley and McNeil 1982"
    metric: ClassVar[Metric] = Metric("auroc", "AUROC", least=0.0, most=1.0)

    def tally(self) -> MetricTally:
        """Scores and labels of all examples."""
        from critlab.learning_tasks.tallies.ranks import Ranks

        return Ranks()

    def of_constant(self, asked: Asked) -> float | None:
        """One half."""
        return 0.5

    def refusal(self, asked: Asked) -> str:
        """It needs examples with a label and without."""
        from critlab.learning_tasks.tallies.class_counts import has_both

        return "" if has_both(asked) else "the test labels have one class alone; it needs both"
