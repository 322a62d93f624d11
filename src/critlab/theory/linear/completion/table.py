"""What a sweep of matrix completion found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from critlab.theory.linear.completion.tree import Course


@dataclass(frozen=True)
class CompletionRow:
    """One run at its end.

    Args:
        depth: D.
        seed: of the instance.
        onset: first update under the deficit.
        removal: first update after it.
        error: mean over all entries of ``(E - M)^2``, M the clean task; the empty matrix has error 1.
        train_loss: half the mean of ``(E - M)^2`` over the observed entries.
        singular_values: the ten largest of E, or all where there are fewer.
    """

    depth: int
    seed: int
    onset: int
    removal: int
    error: float
    train_loss: float
    singular_values: tuple[float, ...]


@dataclass(frozen=True)
class CompletionState:
    """A run at one moment of a recorded sweep: the fields of :class:`CompletionRow`, after ``update`` updates."""

    depth: int
    seed: int
    onset: int
    removal: int
    update: int
    error: float
    train_loss: float
    singular_values: tuple[float, ...]


@dataclass(frozen=True)
class CompletionTable:
    """What a sweep found.

    Args:
        finals: one row for each depth, seed, onset and removal, in this order.
        states: what was recorded on the way; empty unless asked for.
    """

    finals: tuple[CompletionRow, ...]
    states: tuple[CompletionState, ...] = ()

    def rows(self) -> list[dict[str, Any]]:
        """Every run at its end: depth, seed, onset, removal, error, train_loss, singular_values."""
        return [{**vars(row), "singular_values": list(row.singular_values)} for row in self.finals]

    def traces(self) -> list[dict[str, Any]]:
        """Every run at every recorded moment, with ``update``."""
        return [{**vars(state), "singular_values": list(state.singular_values)} for state in self.states]


def gathered(
    found: Sequence[CompletionState], depths: Sequence[int], seeds: Sequence[int], courses: Sequence[Course]
) -> CompletionTable:
    """The table of everything that was ``found``, in the order in which it was asked for."""
    stops = {(course.onset, course.removal): course.stop for course in courses}
    order = {key: i for i, key in enumerate((d, s, *c[:2]) for d in depths for s in seeds for c in courses)}
    ranked = sorted(found, key=lambda state: (order[state.depth, state.seed, state.onset, state.removal], state.update))
    finals = [state for state in ranked if state.update == stops[state.onset, state.removal]]
    rows = [CompletionRow(**{k: v for k, v in vars(state).items() if k != "update"}) for state in finals]
    return CompletionTable(tuple(rows), tuple(ranked) if len(found) > len(finals) else ())
