"""Whether the network is merely under-trained: did training accuracy drop as well?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from critlab.analysis.confounds.confound import Confound, Status, by_seed, limits, mean
from critlab.analysis.curve import Curve, Place


@dataclass(frozen=True, kw_only=True)
class TrainingAccuracy(Confound):
    """The effect is the control's final training accuracy minus that of the run with the deficit."""

    @property
    def name(self) -> str:
        """Which confound."""
        return "training accuracy"


def training_accuracy(main: Curve, judged: Sequence[Place]) -> TrainingAccuracy:
    """Clear: training accuracy surely lost less than half of the damage; suspect: it lost something."""
    gap, damage = mean(by_seed(main, judged, "train_gap")), mean(by_seed(main, judged))
    status: Status = "unknown"
    if gap is not None and damage is not None:
        low, high = limits(gap)
        status = "clear" if high < damage.mean / 2 else "suspect" if low > 0 else "unknown"
    return TrainingAccuracy(status=status, at=tuple(judged), effect=gap, damage=damage)
