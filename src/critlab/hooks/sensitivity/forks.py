"""Forks of one state of a user's training and their clean twins, paired in everything but the deficit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from critlab._core.digest import digest
from critlab._core.errors import Diverged, StudyError
from critlab._core.random_streams import key
from critlab.hooks.calls import returned_number
from critlab.hooks.deprivation import DataInfo
from critlab.hooks.sensitivity.checkpoint import arrays_digest, loaded, packed_state, refuse_shared
from critlab.hooks.sensitivity.deficits import AnyDeficit, ForkDeficit
from critlab.hooks.sensitivity.generators import all_seeded, held_generators, kept
from critlab.learning_tasks import ACCURACY, Metric
from critlab.training.states.packing import Arrays, unpack

Numbers = Mapping[str, float]


@dataclass(frozen=True)
class ForkLoop:
    """The user's functions, as in :func:`critlab.probe`; ``save`` may be missing where the state is a checkpoint."""

    advance: Callable[[Any, int, Any], Numbers | None]
    evaluate: Callable[[Any], float | Mapping[str, Any]]
    load: Callable[[Any], Any]
    save: Callable[[Any], Any] | None = None


@dataclass(frozen=True)
class ForkScores:
    """What one fork gave.

    Args:
        scores: after 1, 2, 3 ... clean epochs.
        trained: names its training: the numbers that ``advance`` returned and, with ``save``, the last state.
    """

    scores: tuple[float, ...]
    trained: str


@dataclass
class Forks:
    """Trains forks of one state.

    Every call of the user's functions runs with the global generators of Python, numpy and torch, and generators that
    the functions hold, seeded by repeat and epoch alone; so a fork and its twin see the same batches, and all
    generators stand afterwards where they stood.

    Args:
        loop: the user's functions.
        saved: the state, packed; its own copy.
        what: the state, for messages.
        onset: epochs that it was trained.
        deprived: epochs with the deficit.
        clean: epochs after it, after each of which the score is read.
        knowledge: what deficits may know of the data.
        scores: where scores are kept, by the fork's name; None keeps nothing beyond this object.
        metric: what ``evaluate`` gives.
    """

    loop: ForkLoop
    saved: Arrays
    what: str
    onset: int
    deprived: int
    clean: int
    knowledge: DataInfo = field(default_factory=DataInfo)
    scores: MutableMapping[str, Any] | None = None
    metric: Metric = ACCURACY

    def __post_init__(self) -> None:
        self.spent = 0
        #: what was trained in other processes and not taken yet: scores and epochs, by the fork's name
        self.ahead: dict[str, tuple[ForkScores, int]] = {}
        #: whether inputs are changed by rounding in each repeat after the first, as the order of the data does not
        self.nudge = False
        self._generators = held_generators(self.loop.advance, self.loop.evaluate, self.loop.load)
        self._digest = arrays_digest(self.saved)

    @property
    def epochs(self) -> int:
        """Epochs of one fork."""
        return self.deprived + self.clean

    def run(self, name: str, deficit: AnyDeficit | None, repeat: int) -> ForkScores:
        """Trains one fork and reads its scores.

        Args:
            name: of the deficit; empty for the clean twin.
            deficit: None for the clean twin.
            repeat: which order of the data.

        Raises:
            StudyError: the functions are not what they should be.
            Diverged: a score is not finite.
        """
        named = self._name(name, repeat)
        if named not in self.ahead and self.scores is not None and named in self.scores:
            known = self.scores[named]
            return ForkScores(tuple(float(score) for score in known["scores"]), str(known["trained"]))
        if named in self.ahead:
            found, spent = self.ahead.pop(named)
            self.spent += spent
            return found
        with kept(self._generators):
            found = self._trained(name, deficit, repeat)
        self._keep(named, found)
        return found

    def knows(self, name: str, repeat: int) -> bool:
        """Whether a fork needs no training any more; the arguments are those of :meth:`run`."""
        named = self._name(name, repeat)
        return named in self.ahead or (self.scores is not None and named in self.scores)

    def take(self, name: str, repeat: int, found: ForkScores, spent: int) -> None:
        """Takes a fork that was trained elsewhere in ``spent`` epochs; these count when :meth:`run` gives it."""
        named = self._name(name, repeat)
        self.ahead[named] = found, spent
        self._keep(named, found)

    def _name(self, name: str, repeat: int) -> str:
        named = f"{self._digest[:16]}:{self.onset}:{self.deprived}+{self.clean}:{name or '(clean)'}:{repeat}"
        named += "" if self.metric.name == ACCURACY.name else f":{self.metric.name}"
        return f"{named}:nudged" if self.nudge else named

    def _keep(self, named: str, found: ForkScores) -> None:
        if self.scores is not None:
            self.scores[named] = {"scores": list(found.scores), "trained": found.trained}

    def check(self, live: Any = None) -> None:
        """Trains an epoch twice from the state, to see that it is the same, and that the live state stays.

        Args:
            live: the user's state; None where forks start from a checkpoint.

        Raises:
            StudyError: the two differ, or the live state was changed.
        """
        with kept(self._generators):
            ends = [self._once(live) for _ in range(2)]
        if live is not None:
            self.refuse_changed(live)
        (one, first), (other, second) = ends
        if one != other or first != second:
            shown = f"gave {dict(one)} and {dict(other)}" if one != other else "left different states"
            raise StudyError(
                f"sensitivity: advance: two calls from the same state {shown}; it must be deterministic: draw from the "
                "global generators of torch, numpy or random, which critlab seeds before each call, and let save and "
                "load restore everything; or give check=False"
            )

    def refuse_changed(self, live: Any) -> None:
        """Raises where the live state is no longer what it was.

        Args:
            live: the user's state.
        """
        if arrays_digest(self._saved(live, "state")) != self._digest:
            raise StudyError(
                "sensitivity: load: training a loaded state changed the training's own; load must build a new model, "
                "optimiser and schedule in each call; begin the training again from its last checkpoint"
            )

    def _once(self, live: Any) -> tuple[Numbers, str]:
        own = self._start(0)
        if live is not None and self.loop.save is not None:
            with all_seeded(0, ()):
                refuse_shared(live, self.loop.save(live), own, self.loop.save(own))
        numbers = self._advance(own, self.onset, ForkDeficit("", None, self.knowledge, seed=0, epoch=self.onset), 0)
        self.spent += 1
        if self.loop.save is None:
            return {**numbers, "score": self._score(own, self.onset + 1, 0)}, ""
        return numbers, arrays_digest(self._saved(own, "save"))

    def _trained(self, name: str, deficit: AnyDeficit | None, repeat: int) -> ForkScores:
        own, found, numbers = self._start(repeat), [], []
        for place in range(self.epochs):
            epoch = self.onset + place
            applied = deficit if place < self.deprived else None
            deprive = ForkDeficit(name, applied, self.knowledge, seed=repeat, epoch=epoch, nudge=self.nudge)
            numbers.append(repr(self._advance(own, epoch, deprive, repeat)))
            self.spent += 1
            if applied is not None and not deprive.position:
                raise StudyError(
                    "sensitivity: advance: did not call deprive(inputs, labels); call it on every batch to apply the "
                    "deficit"
                )
            if place >= self.deprived:
                found.append(self._score(own, epoch + 1, repeat))
        state = "" if self.loop.save is None else arrays_digest(self._saved(own, "save"))
        return ForkScores(tuple(found), digest(numbers, found, state)[:16])

    def _start(self, repeat: int) -> Any:
        with all_seeded(key(repeat, "init", self.onset), ()):
            return loaded(self.loop.load, unpack(self.saved), self.what)

    def _advance(self, own: Any, epoch: int, deprive: ForkDeficit, repeat: int) -> Numbers:
        with all_seeded(key(repeat, "order", epoch), self._all(own)):
            found = self.loop.advance(own, epoch, deprive)
        if found is None:
            return {}
        if not isinstance(found, Mapping):
            raise StudyError(
                f"sensitivity: advance: returned {type(found).__name__}; must be a mapping such as "
                '{"train_loss": 0.5, "train_accuracy": 0.8}, or None'
            )
        numbers = {str(one): returned_number(value) for one, value in found.items()}
        known = {name: number for name, number in numbers.items() if number is not None}
        if len(known) < len(numbers):
            raise StudyError(f"sensitivity: advance: returned {dict(found)!r}; every value must be a number")
        return known

    def _score(self, own: Any, epoch: int, repeat: int) -> float:
        with all_seeded(key(repeat, "measure", epoch), self._all(own)):
            found = self.loop.evaluate(own)
        given: Any = found
        if isinstance(found, Mapping):
            given = found.get(self.metric.test, found.get(self.metric.name))
            if given is None and "test_correct" in found and self.metric.name == ACCURACY.name:
                given = float(np.mean(np.asarray(found["test_correct"])))
        score = returned_number(given)
        if score is None:
            came = (
                f"a mapping with {', '.join(map(str, found))}" if isinstance(found, Mapping) else type(found).__name__
            )
            raise StudyError(
                f"sensitivity: evaluate: returned {came}; must be a number, or a mapping with {self.metric.test}"
            )
        if not np.isfinite(score):
            raise Diverged(f"sensitivity: evaluate: the score after epoch {epoch} was not finite")
        return score

    def _saved(self, own: Any, what: str) -> Arrays:
        assert self.loop.save is not None, "there is a save where a state is compared"
        with all_seeded(0, ()):
            return packed_state(self.loop.save(own), what)

    def _all(self, own: Any) -> list[Any]:
        """Generators of the functions and of the fork's own state."""
        return [*self._generators, *held_generators(own)]
