"""Whether the damage remains where the clean runs train for as long as the runs with the deficit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from critlab.analysis.confounds.confound import Confound, Status, by_seed, limits, mean
from critlab.analysis.curve import Curve, Place, curve
from critlab.analysis.study_table import StudyTable


@dataclass(frozen=True, kw_only=True)
class EqualTotal(Confound):
    """The effect is the damage compared with clean runs of the same length; ``damage``, with the first control."""

    @property
    def name(self) -> str:
        """Which confound."""
        return "equal total"


def equal_total(results: StudyTable, main: Curve, judged: Sequence[Place]) -> Iterator[EqualTotal]:
    """Clear: damaged against clean runs of equal total too; suspect: surely less than half of it is left."""
    if not any(kind == "equal_total" for run in results.study.runs for kind, _ in run.controls):
        return
    damage = mean(by_seed(main, judged))
    equal = mean(by_seed(curve(results, main.arm, "equal_total"), judged))
    status: Status = "unknown"
    if damage is not None and equal is not None:
        low, high = limits(equal)
        status = "clear" if low > 0 else "suspect" if high < damage.mean / 2 else "unknown"
    yield EqualTotal(status=status, at=tuple(judged), effect=equal, damage=damage)
