"""Whether the damage remains where the clean runs train for as long as the runs with the deficit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from critlab.analysis.confounds.confound import Confound, by_seed, differences, mean, share_of
from critlab.analysis.curve import Curve, Place, curve
from critlab.analysis.tables.study_table import StudyTable
from critlab.analysis.test_images import least_sd


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


def equal_total(results: StudyTable, main: Curve, judged: Sequence[Place]) -> Iterator[EqualTotal]:
    """What the damage is where the lengths are equal; nothing where no such runs were trained."""
    if not any(kind == "equal_total" for run in results.study.runs for kind, _ in run.controls):
        return
    own, equal = by_seed(main, judged), by_seed(curve(results, main.arm, "equal_total"), judged)
    floor = least_sd(results)
    part = share_of(differences(own, equal), own, floor)
    yield EqualTotal(at=tuple(judged), effect=mean(equal, floor), damage=mean(own, floor), share=part)
