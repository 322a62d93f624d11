"""What the engine knows of learning: five verbs, and nothing about networks, data or papers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from critlab.measures.reading import Reading
from critlab.study.measurement import Measurement
from critlab.study.recipe import Recipe


class Learner(Protocol):
    """Whatever can be started, advanced by a recipe, measured, packed into arrays and unpacked."""

    def start(self, origin: Mapping[str, Any]) -> Any:
        """The state before the first epoch."""

    def advance(self, state: Any, recipe: Recipe, epoch: int, pause: Callable[[], bool]) -> dict[str, float] | None:
        """Advances ``state`` by one epoch, in place, and says what the epoch was like (``train_loss`` at least).

        ``pause`` is asked after every step. Where it says so, the answer is None: ``state`` is then inside the epoch,
        can be packed and unpacked there, and the next call goes on and ends as if it had never paused.

        Raises:
            Diverged: the state is no longer finite.
        """

    def measure(self, state: Any, spec: Measurement) -> list[Reading]:
        """Reads one measure of ``state``; changes nothing."""

    def pack(self, state: Any) -> Mapping[str, Any]:
        """``state`` as named arrays."""

    def unpack(self, tensors: Mapping[str, Any]) -> Any:
        """The state that :meth:`pack` packed."""
