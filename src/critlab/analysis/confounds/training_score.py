"""Whether the network is merely under-trained: is the score on training data worse as well?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from critlab.analysis.confounds.confound import Confound
from critlab.analysis.confounds.quantity import damage_of, training_gap_of
from critlab.analysis.confounds.quoting import Quoting
from critlab.analysis.curve import Curve, Place
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


def training_score(quoting: Quoting, main: Curve, judged: Sequence[Place]) -> TrainingScore:
    """How much of the damage shows on training data too."""
    gap, damage = training_gap_of(main), damage_of(main)
    return TrainingScore(
        at=tuple(judged),
        effect=quoting.mean(gap, judged),
        damage=quoting.mean(damage, judged),
        share=quoting.share(gap, damage, judged),
        metric=main.metric,
    )
