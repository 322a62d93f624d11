"""A user's own training with a switch, as a learner of the engine."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from critlab._core.errors import Diverged, StudyError
from critlab._core.random_streams import key
from critlab.hooks.calls import check_storable, returned_number
from critlab.hooks.when.parameters import Parameters
from critlab.measures.reading import Reading
from critlab.study.ingredients.measurement import Measurement
from critlab.study.runs.recipe import Recipe
from critlab.training.seeding import seeded
from critlab.training.states.packing import Arrays, pack, unpack


@dataclass(frozen=True)
class SwitchLoop:
    """The user's functions.

    The global random states of Python, numpy and torch are seeded before each call, by seed and epoch alone, and put
    back afterwards.

    Args:
        make: ``make(seed) -> training``, untrained and with the switch off: any object.
        advance: ``advance(training, epoch)`` trains one epoch, in place. It may return the mean loss, or a mapping with
            ``train_loss``.
        evaluate: ``evaluate(training)``, a number or a mapping of numbers by name.
        save: ``save(training)`` gives everything that the next epoch depends on, the switch included.
        load: ``load(saved) -> training`` makes a training from it again.
        switch: ``switch(training, on)`` flips the switch, in place, or returns another training.
    """

    make: Callable[[int], Any]
    advance: Callable[[Any, int], Any]
    evaluate: Callable[[Any], float | Mapping[str, float]]
    save: Callable[[Any], Any]
    load: Callable[[Any], Any]
    switch: Callable[[Any, bool], Any]


@dataclass
class SwitchState:
    """The user's training, its seed, the epochs that it was trained, and whether the switch is on."""

    own: Any
    seed: int
    epoch: int
    on: bool = False


class SwitchLearner:
    """The user's loop as the engine knows learners.

    Args:
        loop: the user's functions.
        metric: the name of the metric where ``evaluate`` returns one number.
    """

    def __init__(self, loop: SwitchLoop, metric: str) -> None:
        self.loop, self.metric = loop, metric

    def start(self, origin: Mapping[str, Any]) -> SwitchState:
        """The untrained state of ``origin["seed"]``."""
        seed = int(origin["seed"])
        with seeded(key(seed, "init")):
            return SwitchState(self.loop.make(seed), seed, 0)

    def advance(
        self, state: SwitchState, recipe: Recipe, epoch: int, pause: Callable[[], bool] = lambda: False
    ) -> dict[str, float]:
        """Flips the switch where the recipe needs it, and trains ``state`` for one epoch; never pauses inside.

        Returns:
            ``train_loss``; 0 where the loop gives none.

        Raises:
            StudyError: the loop gave something else, or the switch failed.
            Diverged: the loss is not finite.
        """
        self.flip(state, recipe.deficit is not None, epoch)
        with seeded(key(state.seed, "order", epoch)):
            found = self.loop.advance(state.own, epoch)
        state.epoch = epoch + 1
        return {"train_loss": _loss(found)}

    def flip(self, state: SwitchState, on: bool, epoch: int) -> None:
        """Calls ``switch`` where the switch changes.

        Raises:
            StudyError: ``switch`` raised, or left parameters that no optimiser knows.
        """
        if state.on == on:
            return
        before = Parameters.of(state.own)
        try:
            with seeded(key(state.seed, "intervention", epoch)):
                changed = self.loop.switch(state.own, on)
        except Exception as error:
            raise StudyError(
                f"when: switch: raised {type(error).__name__}: {error} (seed {state.seed}, epoch {epoch}, on={on}); "
                "runs that were finished before are in the store"
            ) from error
        state.own = state.own if changed is None else changed
        state.on = on
        Parameters.of(state.own).refuse_unknown(before, f"seed {state.seed}, epoch {epoch}, on={on}")

    def measure(self, state: SwitchState, spec: Measurement) -> list[Reading]:
        """Every metric of the user's."""
        with seeded(key(state.seed, "measure", state.epoch)):
            found = self.loop.evaluate(state.own)
        given = dict(found) if isinstance(found, Mapping) else {self.metric: found}
        if not given:
            raise StudyError("when: evaluate: returned an empty mapping; must be a number, or a mapping of numbers")
        return [Reading(f"{name}", "", _finite(value, f"{name}"), 0.0) for name, value in given.items()]

    def pack(self, state: SwitchState) -> Arrays:
        """The state as named arrays."""
        run = np.asarray([state.seed, state.epoch, int(state.on)], dtype=np.int64)
        return {**pack(self.loop.save(state.own)), "run": run}

    def unpack(self, tensors: Mapping[str, Any]) -> SwitchState:
        """The state that :meth:`pack` packed."""
        seed, epoch, on = (int(value) for value in tensors["run"])
        with seeded(key(seed, "init", epoch)):
            return SwitchState(self.loop.load(unpack(tensors)), seed, epoch, bool(on))


def _loss(found: Any) -> float:
    if isinstance(found, Mapping):
        if "train_loss" not in found:
            raise StudyError(
                f"when: advance: returned a mapping with {', '.join(map(str, found)) or 'nothing'}; must contain "
                "train_loss, or return the loss or nothing"
            )
        found = found["train_loss"]
    return 0.0 if found is None else _finite(found, "train_loss", "advance")


def _finite(value: Any, name: str, function: str = "evaluate") -> float:
    number = returned_number(value)
    if number is None:
        raise StudyError(f"when: {function}: {name}: received {type(value).__name__}; must be a number")
    if not math.isfinite(number):
        raise Diverged(f"{name} was {number}")
    check_storable(number, name)
    return number
