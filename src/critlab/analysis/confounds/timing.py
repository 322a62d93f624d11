"""Whether it matters when a window is open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from critlab.analysis.confounds.confound import Confound, Status, by_seed, difference, limits
from critlab.analysis.curve import Curve


@dataclass(frozen=True, kw_only=True)
class Timing(Confound):
    """The effect is the damage at the first onset minus that at the last; ``at`` holds both."""

    @property
    def name(self) -> str:
        """Which confound."""
        return "timing"


def timing(main: Curve, smallest: float) -> Iterator[Timing]:
    """Clear: the first window costs more than the last; suspect: surely not by more than matters.

    Args:
        main: the curve of the study's own deficit.
        smallest: the smallest damage of interest, a fraction of accuracy.
    """
    if len(main.tested) < 2:
        return
    first, last = main.tested[0], main.tested[-1]
    more = difference(by_seed(main, [first.at]), by_seed(main, [last.at]))
    if more is None:
        return
    low, high = limits(more)
    status: Status = "clear" if low > 0 else "suspect" if high < smallest else "unknown"
    yield Timing(status=status, at=(first.at, last.at), effect=more)
