"""Doing a task: a generator of what becomes known, epoch by epoch; whoever runs it writes it down."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from critlab._core.errors import Diverged, StoreError
from critlab.engine.learner import Learner
from critlab.engine.records.study_ids import StudyIds
from critlab.engine.tasks.events import Event, Paused, Read, Replayed, StateReached, Stopped, Trained
from critlab.engine.tasks.missing_work import EpochTask, Task
from critlab.study.ingredients.measurement import Measurement, options_of
from critlab.study.runs.tree import ROOT, Node, Tree

RESUME_SECONDS = 20.0
"""A state is stored at the first end of an epoch after so much work, kept or not."""

INSIDE_SECONDS = 60.0
"""A state is stored inside an epoch after so much work."""

SECONDS = "seconds"
"""The array of a place inside an epoch that says how long the epoch took so far."""


class CheckpointMissing(StoreError):  # noqa: N818 - named after what became of the state
    """The state that a task starts from is no longer there, or its file failed its check."""


def execute_task(
    task: Task,
    tree: Tree,
    names: StudyIds,
    learner: Learner,
    load: Callable[[str], Mapping[str, Any] | None],
    stop: Callable[[], bool] = lambda: False,
    resume: Callable[[str], Mapping[str, Any] | None] = lambda name: None,
) -> Iterator[Event]:
    """Does ``task`` and yields what becomes known; an epoch's record comes after its state and its readings.

    Args:
        task: what to do.
        tree: the study's tree, for recipes.
        names: the names of states.
        learner: who learns.
        load: gives the arrays of the state with a name, None where it has none.
        stop: asked after every step of training and every epoch.
        resume: gives the arrays of a place inside the epoch that leads to the state with a name, where one is stored.

    Raises:
        Gone: the start's checkpoint is damaged, or is there no more.
        StoreError: a replayed epoch did not give its recorded loss.
    """
    state, spent = _begin(task, names, learner, load, resume)
    yield from _read(task.at_start, tree.nodes[task.start], names, learner, state)
    clock = _Clock()
    for step in task.steps:
        node = tree.nodes[step.path]
        began, spent = time.perf_counter() - spent, 0.0
        try:
            while (learned := _advance(learner, state, node, step, names, lambda: clock.inside() or stop())) is None:
                yield Paused(step.path, {**learner.pack(state), SECONDS: np.asarray(time.perf_counter() - began)})
                clock.stored()
                if stop():
                    yield Stopped(step.path)
                    return
            seconds = time.perf_counter() - began
            readings = _read(step.measures, node, names, learner, state)
        except Diverged as diverged:
            yield Trained(step.path, _body(node, names, task.seed, time.perf_counter() - began, diverged=f"{diverged}"))
            return
        storing = step.keep or clock.between()
        if storing:
            yield StateReached(step.path, learner.pack(state), step.keep)
            clock.stored()
        yield from readings
        if step.recorded_loss is None:
            yield Trained(step.path, _body(node, names, task.seed, seconds, step.keep) | learned)
        else:
            yield Replayed(step.path, seconds)
        if stop() and step is not task.steps[-1]:
            if not storing:
                yield StateReached(step.path, learner.pack(state), step.keep)
            yield Stopped(step.path)
            return


class _Clock:
    """How much work has passed since a place to go on from was stored."""

    def __init__(self) -> None:
        self.stored()

    def stored(self) -> None:
        self.since = time.monotonic()

    def between(self) -> bool:
        """Whether a state is due between two epochs."""
        return time.monotonic() - self.since > RESUME_SECONDS

    def inside(self) -> bool:
        """Whether a state is due inside an epoch."""
        return time.monotonic() - self.since > INSIDE_SECONDS


def _begin(
    task: Task,
    names: StudyIds,
    learner: Learner,
    load: Callable[[str], Mapping[str, Any] | None],
    resume: Callable[[str], Mapping[str, Any] | None],
) -> tuple[Any, float]:
    """The state to go on from, and the seconds that its unfinished epoch took so far.

    Where something is still to be measured at the start, the epoch begins again.
    """
    inside = resume(names.state(task.seed, task.steps[0].path)) if task.steps and not task.at_start else None
    if inside is not None and SECONDS in inside:  # one without it was not stored inside an epoch
        return learner.unpack(inside), float(inside[SECONDS].item())
    if task.start == ROOT:
        return learner.start(names.origin(task.seed)), 0.0
    name = names.state(task.seed, task.start)
    arrays = load(name)
    if arrays is None:
        raise CheckpointMissing(f"checkpoint {name} is missing or damaged")
    return learner.unpack(arrays), 0.0


def _advance(
    learner: Learner, state: Any, node: Node, step: EpochTask, names: StudyIds, pause: Callable[[], bool]
) -> dict[str, float] | None:
    assert node.recipe is not None, "every node below the root has a recipe"
    replayed = step.recorded_loss is not None
    try:
        learned = learner.advance(state, node.recipe, node.epoch - 1, pause)
    except Diverged as diverged:
        if not replayed:
            raise
        raise _not_repeated(node, step, f"diverged ({diverged})", names) from None
    if replayed and learned is not None and learned["train_loss"] != step.recorded_loss:
        raise _not_repeated(node, step, f"gave a training loss of {learned['train_loss']!r}", names)
    return learned


def _not_repeated(node: Node, step: EpochTask, became: str, names: StudyIds) -> StoreError:
    begun = f"epoch {node.epoch} was trained again and {became} instead of the recorded {step.recorded_loss!r}: "
    if names.adopted:
        return StoreError(
            f"{begun}the results come from critlab 0.1.0, which named them by the text of one function; other code of "
            "yours, the machine or the libraries have changed; use another store, or the earlier code and machine"
        )
    return StoreError(
        f"{begun}this machine or its libraries compute different numbers; use another store, "
        "or the machine that made this store"
    )


def _read(measures: tuple[str, ...], node: Node, names: StudyIds, learner: Learner, state: Any) -> list[Read]:
    found = []
    for measure in measures:
        began = time.perf_counter()
        spec = Measurement(measure, options_of(names.base, measure), node.recipe, node.final)
        readings = learner.measure(state, spec)
        if not all(math.isfinite(reading.value) and math.isfinite(reading.stderr) for reading in readings):
            raise Diverged(f"the measure {measure!r} was not finite after epoch {node.epoch}")
        found.append(Read(node.path, measure, tuple(readings), time.perf_counter() - began))
    return found


def _body(
    node: Node, names: StudyIds, seed: int, seconds: float, kept: bool = False, diverged: str = ""
) -> dict[str, Any]:
    """The record of an epoch: where its state comes from, what it cost, and whether its checkpoint stays."""
    assert node.recipe is not None, "every node below the root has a recipe"
    return {
        "status": "diverged" if diverged else "done",
        "origin": names.origin(seed),
        "path": node.path,
        "parent": node.parent,
        "epoch": node.epoch,
        **({"frozen": node.frozen} if node.frozen else {}),
        "recipe": names.recipe(node.recipe),
        "seconds": seconds,
        "kept": kept,
        **({"note": diverged} if diverged else {}),
    }
