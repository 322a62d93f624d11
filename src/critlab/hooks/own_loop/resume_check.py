"""Whether a user's states can be saved, loaded and gone on from, and whether their epochs can be counted again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from critlab._core.errors import StudyError
from critlab.hooks.own_loop.learner import OwnLearner
from critlab.study.runs.recipe import Recipe
from critlab.training.states.packing import pack, unpack

MOST_PLACES = 5
"""How many differing values a message lists."""

SCHEDULER = {"last_epoch", "_last_lr"}
"""Keys in the state of every learning-rate scheduler of torch."""


def check_resume(learner: OwnLearner, seed: int, *, counts: bool = False) -> None:
    """Makes, trains, saves and loads a state once, to see that a fork will equal a training from scratch.

    Args:
        learner: with the user's functions.
        seed: of the state.
        counts: whether the epochs of some run are frozen, or counted from the end of the deficit.

    Raises:
        StudyError: two states made with the same seed differ, or a state that was saved and loaded goes on differently;
            or ``counts``, and the state holds a schedule that counts epochs by itself.

    Cost: three epochs.
    """
    recipe = Recipe(lr=1.0, weight_decay=0.0)
    state = learner.start({"seed": seed})
    if counts:
        saved = learner.loop.save(state.own)
        refuse_scheduler(saved, "save(state)", "probe", "delay=False and restart=False")
    same_states(
        learner, state, learner.start({"seed": seed}), "make(seed) gave two states", "draw from torch's generator"
    )
    learner.advance(state, recipe, 0)
    other = learner.unpack(learner.pack(state))
    same_states(learner, state, other, "load(save(state)) and the state itself", "let load restore all that save gives")
    losses = [learner.advance(one, recipe, 1) for one in (state, other)]
    advice = "save everything that the next epoch depends on, such as the state of the optimiser and the schedule"
    same_states(learner, state, other, "a state and its copy, trained for another epoch,", advice)
    if losses[0] != losses[1]:
        raise StudyError(f"probe: a state and its copy gave {losses[0]} and {losses[1]}; {advice}")


def refuse_scheduler(saved: Any, where: str, function: str, without: str) -> None:
    """Refuses a learning-rate scheduler of torch in a saved state: it counts its own steps, whatever ``epoch`` says.

    Args:
        saved: nested dictionaries and lists.
        where: what it is called.
        function: who asks.
        without: the arguments with which a scheduler is no problem.
    """
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(saved, Mapping):
        if set(saved) >= SCHEDULER:
            raise StudyError(
                f"{function}: {where} holds a learning-rate scheduler, which counts epochs by itself, so the controls "
                f"would not have the right learning rates; set the rate from epoch in advance, or give {without}"
            )
        items = saved.items()
    elif isinstance(saved, list | tuple):
        items = enumerate(saved)
    for name, item in items:
        refuse_scheduler(item, f"{where}[{name!r}]", function, without)


class Packing(Protocol):
    """Whatever packs states into arrays."""

    def pack(self, state: Any) -> Mapping[str, Any]:
        """The state as named arrays."""


def same_states(learner: Packing, one: Any, other: Any, what: str, advice: str, function: str = "probe") -> None:
    """Refuses two states that differ in a value that is saved.

    Args:
        learner: packs both.
        one: a state.
        other: another one, which should be equal.
        what: what they are called.
        advice: what to do.
        function: who asks.

    Raises:
        StudyError: they differ; with the places of the first values that do.
    """
    ours, theirs = (dict(_leaves(unpack(learner.pack(state)), "state")) for state in (one, other))
    different = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
    if different:
        listed = ", ".join(different[:MOST_PLACES]) + (", ..." if len(different) > MOST_PLACES else "")
        raise StudyError(
            f"{function}: {what} differ, in {len(different)} of {len(ours)} values of save: {listed}; {advice}"
        )


def _leaves(value: Any, where: str) -> Iterator[tuple[str, Any]]:
    """Every value in a state that was saved, by its place, in a form that compares."""
    items: Iterable[tuple[Any, Any]] | None = value.items() if isinstance(value, Mapping) else None
    if isinstance(value, list | tuple):
        items = enumerate(value)
    if items is None:
        yield where, [(str(array.dtype), array.shape, array.tobytes()) for array in pack(value).values()]
        return
    yield where, f"{type(value).__name__} of {len(value)}"
    for name, item in items:
        yield from _leaves(item, f"{where}[{name!r}]")
