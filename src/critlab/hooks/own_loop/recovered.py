"""A recovery from a checkpoint, and what it gave: values that other modules pass on, keep and judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from critlab._core.errors import StudyError
from critlab._core.problems import shown
from critlab._core.user_code.values import is_real
from critlab.measures.correct_images import CorrectImages

Remedy = Callable[[Any], Any]
"""Changes a state in place, or returns another one."""


class Recovery(NamedTuple):
    """One fork.

    Args:
        checkpoint: the name of the checkpoint that it starts from.
        begin: the epoch that its first one counts as.
        end: the epoch before which it ends.
        remedy: what is done to the state first; None for nothing.
    """

    checkpoint: str
    begin: int
    end: int
    remedy: Remedy | None = None


class Recovered(NamedTuple):
    """What one fork gave in one repeat.

    Args:
        score: after the last epoch.
        numbers: what ``advance`` returned in the last epoch, in the order of the names; copies of one training have
            equal ones. Empty where an earlier critlab kept the score alone.
        correct: which test images are classified correctly; None where ``evaluate`` does not say so.
    """

    score: float
    numbers: tuple[float, ...] = ()
    correct: CorrectImages | None = None

    def plain(self) -> dict[str, Any]:
        """The values as JSON has them; :meth:`read` reads them."""
        found: dict[str, Any] = {"score": self.score, "numbers": list(self.numbers)}
        if self.correct is not None:
            found["correct"] = {"shape": list(self.correct.shape), "bits": self.correct.bits}
        return found

    @classmethod
    def read(cls, plain: Any) -> Recovered:
        """What :meth:`plain` gave; also a score alone, as an earlier critlab kept it.

        Raises:
            StudyError: it is neither.
        """
        if is_real(plain):
            return cls(float(plain))
        try:
            correct = None if plain.get("correct") is None else CorrectImages.read(plain["correct"])
            return cls(float(plain["score"]), tuple(float(one) for one in plain["numbers"]), correct)
        except (AttributeError, KeyError, TypeError, ValueError):
            kept = f"lasting_damage: kept: holds {shown(plain)} in the place of a score"
            raise StudyError(f"{kept}; delete the entry, or give another mapping") from None


def scores_of(recoveries: Mapping[str, tuple[Recovered, ...]]) -> dict[str, tuple[float, ...]]:
    """The score of each fork in each repeat."""
    return {name: tuple(one.score for one in several) for name, several in recoveries.items()}
