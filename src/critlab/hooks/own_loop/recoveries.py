"""Recoveries from a user's checkpoints, each a fork and a repeat: in this process, or in others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from critlab._core.digest import digest
from critlab._core.errors import StudyError
from critlab._core.random_streams import key
from critlab._core.terminal.progress import Progress
from critlab._core.threads import threads
from critlab._core.user_code.identity import own_code
from critlab.hooks.deprivation import DataInfo
from critlab.hooks.own_loop.given import GivenLoop
from critlab.hooks.own_loop.learner import OwnLearner, OwnLoop, OwnState
from critlab.hooks.own_loop.means import LoopMeans
from critlab.hooks.own_loop.processes.fork_work import asking
from critlab.hooks.own_loop.processes.probe_work import loop_again
from critlab.study.ingredients.measurement import TEST, Measurement
from critlab.study.runs.recipe import Recipe
from critlab.training.seeding import seeded
from critlab.training.states.packing import Arrays, arrays_digest, unpack

RECOVERY_FUNCTIONS = ("advance", "evaluate", "load")
"""What a loop has whose checkpoints recover."""

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


def recovery_scores(
    loop: GivenLoop,
    means: LoopMeans,
    checkpoints: Mapping[str, Arrays],
    forks: Mapping[str, Recovery],
    repeats: int,
    kept: MutableMapping[str, float] | None,
    metric: str,
) -> dict[str, tuple[float, ...]]:
    """The score of each fork in each repeat.

    Args:
        loop: the user's.
        means: where it runs.
        checkpoints: packed, by name.
        forks: by name.
        repeats: how many.
        kept: where scores are kept and found again; None keeps nothing.
        metric: the name of what ``evaluate`` gives.

    Raises:
        StudyError: the functions are not what they should be.
        Diverged: a fork's numbers are not finite.
    """
    asked = [(name, repeat) for name in forks for repeat in range(repeats)]
    names = dict.fromkeys(asked, "") if kept is None else _names(loop, checkpoints, forks, asked, metric)
    found = {one: kept[names[one]] for one in asked if names[one] in kept} if kept is not None else {}
    left = [one for one in asked if one not in found]
    values: dict[str, Any] = {
        "checkpoints": dict(checkpoints),
        "forks": {name: tuple(one) for name, one in forks.items()},
    }
    values["metric"] = metric
    with _scoring(loop, means, values) as scored, Progress("recoveries", len(left)) as shown:
        for place, score in scored(left) if left else ():
            shown.advance()
            found[left[place]] = score
            if kept is not None:
                kept[names[left[place]]] = score
    return {name: tuple(found[name, repeat] for repeat in range(repeats)) for name in forks}


def recovery_work(values: Mapping[str, Any]) -> Callable[[tuple[str, int]], float]:
    """What scores one fork of one repeat in another process."""
    return _scorer(loop_again(values, RECOVERY_FUNCTIONS, "lasting_damage"), values)


Scored = Callable[[list[tuple[str, int]]], Iterator[tuple[int, float]]]


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


def _scorer(loop: GivenLoop, values: Mapping[str, Any]) -> Callable[[tuple[str, int]], float]:
    functions = {name: loop.functions[name] for name in RECOVERY_FUNCTIONS}
    loop_of_forks = OwnLoop(make=_nobody, save=lambda state: state, **functions)
    learner = OwnLearner(loop_of_forks, DataInfo(), values["metric"], "lasting_damage")
    forks = {name: Recovery(*one) for name, one in values["forks"].items()}

    def score(asked: tuple[str, int]) -> float:
        one = forks[asked[0]]
        return _score(learner, unpack(values["checkpoints"][one.checkpoint]), one, asked[1])

    return score


def _score(learner: OwnLearner, saved: Any, fork: Recovery, repeat: int) -> float:
    with seeded(key(repeat, "init", fork.begin)):
        own = learner.loop.load(saved)
        if fork.remedy is not None:
            changed = fork.remedy(own)
            own = own if changed is None else changed
    state = OwnState(own, repeat, fork.begin)
    for epoch in range(fork.begin, fork.end):
        learner.advance(state, Recipe(lr=1.0, weight_decay=0.0), epoch)
    return learner.measure(state, Measurement(TEST, None, None))[0].value


def _names(
    loop: GivenLoop,
    checkpoints: Mapping[str, Arrays],
    forks: Mapping[str, Recovery],
    asked: list[tuple[str, int]],
    metric: str,
) -> dict[tuple[str, int], str]:
    """The names under which scores are kept: by code, also of the remedy, checkpoint, epochs, repeat and metric."""
    codes = [code.digest for _, code in loop.codes(("advance", "evaluate"))]
    states = {name: arrays_digest(arrays) for name, arrays in checkpoints.items()}
    named = {}
    for name, repeat in asked:
        one = forks[name]
        remedy = "" if one.remedy is None else _remedy_name(name, one.remedy)
        parts = (codes, states[one.checkpoint], one.begin, one.end, remedy, repeat, metric)
        named[name, repeat] = digest("recovery", *parts)[:32]
    return named


def _remedy_name(name: str, remedy: Remedy) -> str:
    """What names a remedy: its own name and its code; the name alone where the code cannot be read."""
    try:
        return digest("remedy", name, own_code(remedy, name, here=True).digest)
    except StudyError:
        return name


def _nobody(seed: int) -> Any:
    raise StudyError("lasting_damage: make is never called")
