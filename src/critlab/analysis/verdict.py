"""The verdict: does damage remain, when does the period close, and what else could explain the curve?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from critlab.analysis.closing import Closing
from critlab.analysis.confounds import Confound as Confound
from critlab.analysis.curve import CurvePoint

if TYPE_CHECKING:
    from critlab.analysis.results import Results

Answer = Literal["present", "absent", "inconclusive"]


@dataclass(frozen=True)
class Verdict:
    """What a study says.

    Args:
        answer: see :func:`verdict`.
        sentence: the answer in words, with its numbers.
        closing: when the period closes; None unless the answer is ``present``.
        largest: the tested point of largest mean damage; None where nothing was measured.
        p_value: Holm-adjusted, one-sided, of the most significant point; None where nothing could be tested.
        smallest_damage: the smallest damage of interest, a fraction of accuracy.
        minimum_detectable: the damage (a fraction) that these seeds would call present with 80 % power; None
            with too few seeds.
        minimum_seeds: the fewest seeds that can say present.
        confounds: other explanations of the curve.
        notes: what else a reader must know: diverged and missing runs, benefits.
    """

    answer: Answer
    sentence: str
    closing: Closing | None
    largest: CurvePoint | None
    p_value: float | None
    smallest_damage: float
    minimum_detectable: float | None
    minimum_seeds: int
    confounds: tuple[Confound, ...] = ()
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Plain text for a terminal, one line each."""
        found = [self.sentence]
        if self.closing is not None:
            found.append(self.closing.sentence)
        found += [f"{confound.name} ({confound.status}): {confound.sentence}" for confound in self.confounds]
        return [*found, *self.notes]


def verdict(results: Results) -> Verdict:
    """Judges ``results``; see :class:`Verdict`."""
    raise NotImplementedError
