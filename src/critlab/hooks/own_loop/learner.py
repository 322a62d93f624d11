"""A training that critlab knows nothing of, as functions of the user's, and as a learner of the engine."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from critlab._core.errors import Diverged, StudyError
from critlab._core.random_streams import key
from critlab.hooks.calls import check_storable, returned_number
from critlab.hooks.deprivation import BatchDeficit, DataInfo
from critlab.measures.correct_images import TOLERANCE, CorrectImages
from critlab.measures.reading import Reading
from critlab.study.ingredients.measurement import Measurement
from critlab.study.runs.recipe import Recipe
from critlab.training.seeding import seeded
from critlab.training.states.packing import Arrays, pack, unpack

Numbers = Mapping[str, float]


@dataclass(frozen=True)
class OwnLoop:
    """The user's functions.

    The global random states of Python, numpy and torch are seeded before each call, by seed and epoch alone, and put
    back afterwards; so a loop that draws from them, or from generators that it creates in each call, gives the same
    epoch whenever it is trained.

    Args:
        make: ``make(seed) -> state``, the untrained state: any object.
        advance: ``advance(state, epoch, deprive) -> {"train_loss": ..., "train_accuracy": ...}`` trains one epoch, in
            place, and says how it went: mean loss, and where it is known the metric, for accuracy a fraction.
            ``deprive(inputs, labels)`` is to be called on every batch; it gives the batch back, with the deficit where
            there is one.
        evaluate: ``evaluate(state) -> accuracy``, a fraction on clean test data, or a mapping with ``test_accuracy``
            and perhaps ``test_loss``; with another metric, that. With ``test_correct``, a boolean array that says of
            each test image whether it is classified correctly, intervals also cover the choice of test images.
        save: ``save(state)`` gives everything that the next epoch depends on, as
            :func:`~critlab.training.states.packing.pack` takes it.
        load: ``load(saved) -> state`` makes a state from it again.
    """

    make: Callable[[int], Any]
    advance: Callable[[Any, int, BatchDeficit], Numbers]
    evaluate: Callable[[Any], float | Mapping[str, Any]]
    save: Callable[[Any], Any]
    load: Callable[[Any], Any]


@dataclass
class OwnState:
    """The user's state, its seed and the epochs that it was trained."""

    own: Any
    seed: int
    epoch: int


class OwnLearner:
    """The user's loop as the engine knows learners.

    Args:
        loop: the user's functions.
        knowledge: what deficits may know of the data.
        metric: the name of what ``evaluate`` gives.
        of: the function that was called, for messages.
    """

    def __init__(self, loop: OwnLoop, knowledge: DataInfo, metric: str = "accuracy", of: str = "probe") -> None:
        self.loop, self.knowledge, self.metric, self.of = loop, knowledge, metric, of

    def start(self, origin: Mapping[str, Any]) -> OwnState:
        """The untrained state of ``origin["seed"]``."""
        seed = int(origin["seed"])
        with seeded(key(seed, "init")):
            return OwnState(self.loop.make(seed), seed, 0)

    def advance(
        self, state: OwnState, recipe: Recipe, epoch: int, pause: Callable[[], bool] = lambda: False
    ) -> dict[str, float]:
        """Trains ``state`` for one epoch, in place; it never pauses inside, as only the loop knows its steps.

        The loop and its generators see the epoch as ``recipe.counted_from`` counts it.

        Returns:
            ``train_loss``, and what else the loop gave, such as ``train_accuracy``.

        Raises:
            StudyError: the loop gave something else.
            Diverged: a number that it gave is not finite.
        """
        deprive = BatchDeficit(recipe.deficit, self.knowledge, seed=state.seed, epoch=epoch)
        counted = epoch - recipe.counted_from
        with seeded(key(state.seed, "order", counted)):
            found = self.loop.advance(state.own, counted, deprive)
        if recipe.deficit is not None and not deprive.position:
            raise StudyError(
                f"{self.of}: advance: did not call deprive(inputs, labels); call it on every batch to apply the deficit"
            )
        learned = _numbers(found, "train_loss", f"{self.of}: advance", f"train_loss and train_{self.metric}")
        state.epoch = epoch + 1
        return learned

    def measure(self, state: OwnState, spec: Measurement) -> list[Reading]:
        """The score on test data, and the test loss where the user gives it."""
        with seeded(key(state.seed, "measure", state.epoch)):
            found = self.loop.evaluate(state.own)
        score = f"test_{self.metric}"
        given = dict(found) if isinstance(found, Mapping) else {score: found}
        if score not in given and self.metric in given:
            given[score] = given[self.metric]
        correct = _correct(given.pop("test_correct"), f"{self.of}: evaluate") if "test_correct" in given else None
        if correct is not None and self.metric != "accuracy":
            raise StudyError(f"{self.of}: evaluate: test_correct: received with the metric {self.metric}; leave it out")
        if correct is not None:
            given.setdefault(score, correct.mean())
        numbers = _numbers(given, score, f"{self.of}: evaluate", score)
        bits = None
        if correct is not None:
            _refuse_other_mean(numbers[score], correct, f"{self.of}: evaluate")
            bits = CorrectImages.of(correct) if spec.by_image else None
        kept = [name for name in dict.fromkeys((score, "test_loss")) if name in numbers]
        return [Reading(name, "", numbers[name], 0.0, correct=bits if name == score else None) for name in kept]

    def pack(self, state: OwnState) -> Arrays:
        """The state as named arrays."""
        run = np.asarray([state.seed, state.epoch], dtype=np.int64)
        return {**pack(self.loop.save(state.own)), "run": run}

    def unpack(self, tensors: Mapping[str, Any]) -> OwnState:
        """The state that :meth:`pack` packed."""
        seed, epoch = (int(value) for value in tensors["run"])
        with seeded(key(seed, "init", epoch)):
            return OwnState(self.loop.load(unpack(tensors)), seed, epoch)


def _numbers(found: Any, needed: str, where: str, usual: str) -> dict[str, float]:
    if not isinstance(found, Mapping) or needed not in found:
        came = type(found).__name__
        if isinstance(found, Mapping):
            came = f"a mapping with {', '.join(map(str, found))}" if found else "an empty mapping"
        raise StudyError(f"{where}: returned {came}; must be a mapping with {usual}")
    return {str(name): _number(value, str(name), found, where) for name, value in found.items()}


def _number(value: Any, name: str, found: Mapping[Any, Any], where: str) -> float:
    number = returned_number(value)
    if number is None:
        raise StudyError(f"{where}: returned {dict(found)!r}; every value must be a number")
    if not math.isfinite(number):
        raise Diverged(f"{name} was not finite")
    check_storable(number, name)
    return number


def _correct(value: Any, where: str) -> NDArray[np.bool_]:
    """The user's ``test_correct`` as a boolean array.

    Raises:
        StudyError: it is something else.
    """
    given = value.detach().cpu().numpy() if isinstance(value, Tensor) else value
    try:
        array = np.asarray(given)
    except (TypeError, ValueError):
        array = np.empty(0)
    if array.dtype != np.bool_ or array.ndim != 1 or not array.size:
        came = f"{array.dtype} of shape {array.shape}" if array.size else f"{type(value).__name__} without values"
        raise StudyError(
            f"{where}: test_correct: received {came}; must be a boolean array, one value for each test image"
        )
    return array


def _refuse_other_mean(accuracy: float, correct: NDArray[np.bool_], where: str) -> None:
    if abs(accuracy - correct.mean()) > TOLERANCE:
        raise StudyError(
            f"{where}: test_accuracy: received {accuracy:.6g}; must be {correct.mean():.6g}, the mean of "
            "test_correct, or leave one of them out"
        )
