"""Stretches of gradient descent that start where others end, as tasks: in this process, or in one process per core."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from queue import SimpleQueue
from typing import NamedTuple

import numpy as np

from critlab.engine.coordinator import coordinate
from critlab.engine.executor import Executor
from critlab.engine.tasks.ready_tasks import ReadyTasks
from critlab.theory.linear.checks import Floats
from critlab.theory.linear.completion.descent import descend, operations
from critlab.theory.linear.completion.process import DescentProcess

HERE_UP_TO = 64
"""Side of the matrices up to which numpy's library multiplies them on one thread by itself."""

HERE_BELOW = 1e10
"""Floating-point operations up to which processes, each of which starts in 0.07 s, are not worth it."""

AT_ONCE = 1e11
"""Operations after which a process answers, so that one whose asker was killed ends within seconds."""


class Descent(NamedTuple):
    """One stretch.

    Args:
        parent: place of the stretch that it goes on from, before its own; None for one that starts from ``layers``.
        layers: A_1 to A_D, ``(D, batch, n, n)``; of those with a parent only the shape counts.
        targets: ``(batch, n, n)``.
        weights: ``(batch, n, n)``.
        updates: how many.
        left: updates to the end of the longest path that goes through it, from its start.
    """

    parent: int | None
    layers: Floats
    targets: Floats
    weights: Floats
    updates: int
    left: int

    @property
    def work(self) -> float:
        """Floating-point operations."""
        return self.updates * operations(self.layers)


class DescentTask:
    """A stretch by its place, and the layers that it starts from once they are known."""

    def __init__(self, place: int, descent: Descent) -> None:
        self.gives, self.needs, self.descent = place, descent.parent, descent
        self.priority = descent.left * operations(descent.layers)
        self.start: Floats = descent.layers


class DescentDone(NamedTuple):
    """A stretch ended with these layers."""

    task: DescentTask
    layers: Floats


class DescentQueue:
    """The stretches of a sweep; each starts with the layers at the end of its parent."""

    stopped, patience = False, 0.0

    def __init__(self, descents: Sequence[Descent]) -> None:
        tasks = [DescentTask(place, one) for place, one in enumerate(descents)]
        self.ready, self.doing = ReadyTasks(tasks), set[DescentTask]()
        self.following: dict[int | None, list[DescentTask]] = {}
        for task in tasks:
            self.following.setdefault(task.needs, []).append(task)

    @property
    def pending(self) -> bool:
        """Whether a stretch is ready."""
        return len(self.ready) > 0

    def next(self) -> DescentTask | None:
        """The ready stretch with the most work after it."""
        task = self.ready.next()
        if task is not None:
            self.doing.add(task)
        return task

    def take(self, event: DescentDone) -> None:
        """Hand the layers at the end of a stretch to those that continue from them."""
        self.doing.remove(event.task)
        for task in self.following.pop(event.task.gives, []):
            task.start = event.layers
        self.ready.done(event.task)

    def tick(self) -> None:
        """Nothing is shown."""


class DescentExecutor(Executor[DescentTask, DescentDone]):
    """One stretch in each of so many processes, or one at a time in this process where ``processes`` is 0."""

    def __init__(self, processes: int) -> None:
        self._most, self._idle = max(1, processes), SimpleQueue[DescentProcess]()
        self._perform = self._in_a_process if processes else _here
        self._running: dict[Future[Floats], DescentTask] = {}
        with ExitStack() as opened:
            self._threads = opened.enter_context(ThreadPoolExecutor(self._most))
            for _ in range(processes):
                process = DescentProcess()
                opened.callback(process.close)
                self._idle.put(process)
            self._opened = opened.pop_all()

    @property
    def capacity(self) -> int:
        """Processes without a stretch."""
        return self._most - len(self._running)

    def submit(self, task: DescentTask) -> None:
        """Give the stretch to a process that has none."""
        self._running[self._threads.submit(self._perform, task)] = task

    def events(self, seconds: float) -> Iterator[DescentDone]:
        """The stretches that ended.

        Raises:
            CritlabError: a process was killed from outside.
        """
        for future in wait(self._running, timeout=seconds, return_when=FIRST_COMPLETED).done:
            yield DescentDone(self._running.pop(future), future.result())

    def close(self) -> None:
        """End the processes, also in the middle of their work."""
        self._opened.close()

    def _in_a_process(self, task: DescentTask) -> Floats:
        process = self._idle.get()
        try:
            return _in_pieces(process, task.descent, task.start)
        finally:
            self._idle.put(process)


def trained(descents: Sequence[Descent], processes: int = 0) -> Iterator[tuple[int, Floats]]:
    """Place and final layers of every stretch as it ends, the longest path first.

    Args:
        descents: parents first.
        processes: how many work at once; 0 is this process alone.
    """
    for done in coordinate(DescentQueue(descents), DescentExecutor(processes)):
        yield done.task.gives, done.layers


def _here(task: DescentTask) -> Floats:
    one, layers = task.descent, task.start.copy()
    with np.errstate(over="ignore", invalid="ignore"):
        descend(layers, one.targets, one.weights, one.updates)
    return layers


def _in_pieces(process: DescentProcess, one: Descent, layers: Floats) -> Floats:
    """The end of a stretch from ``layers``, asked for in pieces of bounded work."""
    piece = max(1, int(AT_ONCE / operations(layers)))
    for done in range(0, one.updates, piece):
        layers = process.descend(layers, one.targets, one.weights, min(piece, one.updates - done))
    return layers
