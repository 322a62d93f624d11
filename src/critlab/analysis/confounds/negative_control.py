"""Whether any change of the input does the damage: what a milder deficit does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from critlab.analysis.confounds.confound import Confound, Status, by_seed, difference, limits, mean, shared_places
from critlab.analysis.curve import Curve, Place, curve
from critlab.analysis.statistics import Summary
from critlab.analysis.study_table import StudyTable


@dataclass(frozen=True, kw_only=True)
class NegativeControl(Confound):
    """The effect is the negative control's damage.

    Args:
        arm: the negative control.
        excess: the damage of the study's own deficit minus that of the negative control, paired by seed.
    """

    arm: str
    excess: Summary | None = None

    @property
    def name(self) -> str:
        """Which confound."""
        return f"negative control {self.arm}"


def negative_controls(results: StudyTable, main: Curve, judged: Sequence[Place]) -> Iterator[NegativeControl]:
    """One finding for each negative control of the study."""
    runs = [run for run in results.study.runs if run.role == "negative_control"]
    for arm in dict.fromkeys(run.arm for run in runs):
        yield _negative(main, curve(results, arm), judged)


def _negative(main: Curve, negative: Curve, judged: Sequence[Place]) -> NegativeControl:
    """Suspect: it falls significantly, and by half of the deficit's damage or indistinguishably from it."""
    shared = shared_places(judged, negative)
    own, other = by_seed(main, shared), by_seed(negative, shared)
    damage, fall, excess = mean(own), mean(other), difference(own, other)
    if not shared or damage is None or fall is None or excess is None:
        return NegativeControl(status="unknown", at=tuple(judged), arm=negative.arm)
    status: Status = "unknown"
    if limits(fall)[0] > 0 and (limits(excess)[0] <= 0 or fall.mean > damage.mean / 2):
        status = "suspect"
    elif limits(excess)[0] > 0:
        status = "clear"
    return NegativeControl(status=status, at=shared, effect=fall, damage=damage, arm=negative.arm, excess=excess)
