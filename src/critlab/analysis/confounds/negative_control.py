"""Whether any change of the input does the damage: what a milder deficit does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from critlab.analysis.confounds.confound import Confound, by_seed, difference, mean, share_of, shared_places
from critlab.analysis.curve import Curve, Place, curve
from critlab.analysis.statistics import Summary
from critlab.analysis.tables.study_table import StudyTable
from critlab.analysis.test_images import least_sd


@dataclass(frozen=True, kw_only=True)
class NegativeControl(Confound):
    """The effect is the negative control's damage; the share is its part of the deficit's damage.

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
        yield _negative(main, curve(results, arm), judged, least_sd(results))


def _negative(main: Curve, negative: Curve, judged: Sequence[Place], floor: float) -> NegativeControl:
    shared = shared_places(judged, negative)
    own, other = by_seed(main, shared), by_seed(negative, shared)
    if not shared or not own.keys() & other.keys():
        return NegativeControl(at=tuple(judged), arm=negative.arm)
    return NegativeControl(
        at=shared,
        effect=mean(other, floor),
        damage=mean(own, floor),
        share=share_of(other, own, floor),
        arm=negative.arm,
        excess=difference(own, other, floor),
    )
