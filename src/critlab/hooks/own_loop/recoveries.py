"""Recoveries from a user's checkpoints, each a fork and a repeat: in this process, or in others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from critlab._core.errors import StudyError
from critlab._core.random_streams import key
from critlab._core.terminal.progress import Progress
from critlab._core.threads import threads
from critlab.hooks.deprivation import DataInfo
from critlab.hooks.own_loop.given import GivenLoop
from critlab.hooks.own_loop.learner import OwnLearner, OwnLoop, OwnState
from critlab.hooks.own_loop.means import LoopMeans
from critlab.hooks.own_loop.processes.fork_work import asking
from critlab.hooks.own_loop.processes.probe_work import loop_again
from critlab.hooks.own_loop.recovered import Recovered, Recovery
from critlab.hooks.own_loop.recovery_records import RecoveryRecords
from critlab.study.ingredients.measurement import TEST, Measurement
from critlab.study.runs.recipe import Recipe
from critlab.training.seeding import seeded
from critlab.training.states.packing import Arrays, unpack

RECOVERY_FUNCTIONS = ("advance", "evaluate", "load")
"""What a loop has whose checkpoints recover."""


def recovery_scores(
    loop: GivenLoop,
    means: LoopMeans,
    checkpoints: Mapping[str, Arrays],
    forks: Mapping[str, Recovery],
    repeats: int,
    records: RecoveryRecords | None,
    metric: str,
) -> dict[str, tuple[Recovered, ...]]:
    """What each fork gave in each repeat.

    Args:
        loop: the user's.
        means: where it runs.
        checkpoints: packed, by name.
        forks: by name.
        repeats: how many.
        records: where recoveries are kept and found again; None keeps nothing.
        metric: the name of what ``evaluate`` gives.

    Raises:
        StudyError: the functions are not what they should be.
        Diverged: a fork's numbers are not finite.
    """
    asked = [(name, repeat) for name in forks for repeat in range(repeats)]
    known = {one: None if records is None else records.find(*one) for one in asked}
    found = {one: recovered for one, recovered in known.items() if recovered is not None}
    left = [one for one in asked if one not in found]
    values: dict[str, Any] = {
        "checkpoints": dict(checkpoints),
        "forks": {name: tuple(one) for name, one in forks.items()},
    }
    values["metric"] = metric
    with _scoring(loop, means, values) as scored, Progress("recoveries", len(left)) as shown:
        for place, recovered in scored(left) if left else ():
            shown.advance()
            found[left[place]] = recovered
            if records is not None:
                records.keep(*left[place], recovered)
    return {name: tuple(found[name, repeat] for repeat in range(repeats)) for name in forks}


def recovery_work(values: Mapping[str, Any]) -> Callable[[tuple[str, int]], Recovered]:
    """What scores one fork of one repeat in another process."""
    return _scorer(loop_again(values, RECOVERY_FUNCTIONS, "lasting_damage"), values)


Scored = Callable[[list[tuple[str, int]]], Iterator[tuple[int, Recovered]]]


@contextmanager
def _scoring(loop: GivenLoop, means: LoopMeans, values: Mapping[str, Any]) -> Iterator[Scored]:
    """What scores forks, in other processes or here; a class computes on one thread in both."""
    path = "critlab.hooks.own_loop.recoveries:recovery_work"
    with asking(loop, means, "lasting_damage", path, values) as ask, threads(1 if loop.kind is not None else None):
        if ask is not None:
            yield ask
        else:
            score = _scorer(loop, values)
            yield lambda asked: ((place, score(one)) for place, one in enumerate(asked))


def _scorer(loop: GivenLoop, values: Mapping[str, Any]) -> Callable[[tuple[str, int]], Recovered]:
    functions = {name: loop.functions[name] for name in RECOVERY_FUNCTIONS}
    loop_of_forks = OwnLoop(make=_nobody, save=lambda state: state, **functions)
    learner = OwnLearner(loop_of_forks, DataInfo(), values["metric"], "lasting_damage")
    forks = {name: Recovery(*one) for name, one in values["forks"].items()}

    def score(asked: tuple[str, int]) -> Recovered:
        one = forks[asked[0]]
        return _score(learner, unpack(values["checkpoints"][one.checkpoint]), one, asked[1])

    return score


def _score(learner: OwnLearner, saved: Any, fork: Recovery, repeat: int) -> Recovered:
    with seeded(key(repeat, "init", fork.begin)):
        own = learner.loop.load(saved)
        if fork.remedy is not None:
            changed = fork.remedy(own)
            own = own if changed is None else changed
    state, numbers = OwnState(own, repeat, fork.begin), dict[str, float]()
    for epoch in range(fork.begin, fork.end):
        numbers = learner.advance(state, Recipe(lr=1.0, weight_decay=0.0), epoch)
    reading = learner.measure(state, Measurement(TEST, None, None, by_image=True))[0]
    return Recovered(reading.value, tuple(numbers[name] for name in sorted(numbers)), reading.correct)


def _nobody(seed: int) -> Any:
    raise StudyError("lasting_damage: make is never called")
