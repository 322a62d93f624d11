"""Whether the damage remains where the clean runs train for as long as the runs with the deficit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from critlab.analysis.confounds.confound import Confound
from critlab.analysis.confounds.quantity import damage_of
from critlab.analysis.confounds.quoting import Quoting
from critlab.analysis.curve import Curve, Place, curve


@dataclass(frozen=True, kw_only=True)
class EqualTotal(Confound):
    """The effect is the damage compared with clean runs of the same length; ``damage``, with the first control.

    The share is the part of the damage that is gone where the lengths are equal; it is negative where longer clean
    training helps.
    """

    @property
    def name(self) -> str:
        """Which confound."""
        return "equal total"


def equal_total(quoting: Quoting, main: Curve, judged: Sequence[Place]) -> Iterator[EqualTotal]:
    """What the damage is where the lengths are equal; nothing where no such runs were trained."""
    results = quoting.results
    if not any(kind == "equal_total" for run in results.study.runs for kind, _ in run.controls):
        return
    own, equal = damage_of(main), damage_of(curve(results, main.arm, "equal_total"))
    yield EqualTotal(
        at=tuple(judged),
        effect=quoting.mean(equal, judged),
        damage=quoting.mean(own, judged),
        share=quoting.share(own - equal, own, judged),
    )
