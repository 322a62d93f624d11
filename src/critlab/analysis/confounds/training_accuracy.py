"""Whether the network is merely under-trained: did training accuracy drop as well?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from critlab.analysis.confounds.confound import Confound, by_seed, mean, share_of
from critlab.analysis.curve import Curve, Place


@dataclass(frozen=True, kw_only=True)
class TrainingAccuracy(Confound):
    """The effect is the control's final training accuracy minus that of the run with the deficit.

    The share is that loss of training accuracy divided by the damage, which is the loss of test accuracy.
    """

    @property
    def name(self) -> str:
        """Which confound."""
        return "training accuracy"


def training_accuracy(main: Curve, judged: Sequence[Place]) -> TrainingAccuracy:
    """How much of the damage shows in training accuracy too."""
    gap, damage = by_seed(main, judged, "train_gap"), by_seed(main, judged)
    return TrainingAccuracy(at=tuple(judged), effect=mean(gap), damage=mean(damage), share=share_of(gap, damage))
