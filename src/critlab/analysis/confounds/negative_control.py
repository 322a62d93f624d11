"""Whether any change of the input does the damage: what a milder deficit does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from critlab.analysis.confounds.confound import Confound, shared_places
from critlab.analysis.confounds.quantity import damage_of
from critlab.analysis.confounds.quoting import Quoting
from critlab.analysis.curve import Curve, Place, curve
from critlab.analysis.statistics import Summary


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


def negative_controls(quoting: Quoting, main: Curve, judged: Sequence[Place]) -> Iterator[NegativeControl]:
    """One finding for each negative control of the study; its damage is counted from the control of ``main``."""
    runs = [run for run in quoting.results.study.runs if run.role == "negative_control"]
    for arm in dict.fromkeys(run.arm for run in runs):
        yield _negative(quoting, main, curve(quoting.results, arm, main.against), judged)


def _negative(quoting: Quoting, main: Curve, negative: Curve, judged: Sequence[Place]) -> NegativeControl:
    shared = shared_places(judged, negative)
    own, other = damage_of(main), damage_of(negative)
    if not (own - other).averaged(shared):
        return NegativeControl(at=tuple(judged), arm=negative.arm)
    return NegativeControl(
        at=shared,
        effect=quoting.mean(other, shared),
        damage=quoting.mean(own, shared),
        share=quoting.share(other, own, shared),
        arm=negative.arm,
        excess=quoting.mean(own - other, shared),
    )
