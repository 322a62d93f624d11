"""Whether the network is merely under-trained: is the score on training data worse as well?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from critlab.analysis.confounds.confound import Confound, by_seed, mean, share_of
from critlab.analysis.curve import Curve, Place
from critlab.analysis.tables.study_table import StudyTable
from critlab.analysis.test_images import least_sd
from critlab.learning_tasks.metric import ACCURACY, Metric


@dataclass(frozen=True, kw_only=True)
class TrainingScore(Confound):
    """The effect is how much worse the final training score of the run with the deficit is than the control's.

    The share is that divided by the damage, which is the same on test data.

    Args:
        metric: in which both are measured.
    """

    metric: Metric = ACCURACY

    @property
    def name(self) -> str:
        """Which confound."""
        return f"training {self.metric.title}"


def training_score(results: StudyTable, main: Curve, judged: Sequence[Place]) -> TrainingScore:
    """How much of the damage shows on training data too."""
    gap, damage, metric = by_seed(main, judged, "train_gap"), by_seed(main, judged), main.metric
    floor, of_gap = least_sd(results), least_sd(results, part="train")
    share = share_of(gap, damage, (of_gap, floor))
    effect, lasting = mean(gap, of_gap), mean(damage, floor)
    return TrainingScore(at=tuple(judged), effect=effect, damage=lasting, share=share, metric=metric)
