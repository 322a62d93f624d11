"""In which order tasks are done: urgent ones, then the longest path, and none before the state that it starts from."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Hashable, Iterable
from typing import Generic, Protocol, TypeVar

from critlab.engine.tasks.missing_work import Task


class Job(Protocol):
    """Work that may have to wait for other work."""

    @property
    def priority(self) -> float:
        """How much work is on the longest path from its start."""

    @property
    def needs(self) -> Hashable:
        """What it starts from."""

    @property
    def gives(self) -> Hashable:
        """What others may start from once it is done; None where it makes nothing."""


AnyJob = TypeVar("AnyJob", bound=Job)


class ReadyTasks(Generic[AnyJob]):
    """The tasks that are ready, and those that wait for the end of another one.

    Args:
        tasks: all that is to be done.
        doing: what is being done already, for which some of them may have to wait.
        urgent: whether a task comes before all that are not urgent.
    """

    def __init__(
        self,
        tasks: Iterable[AnyJob],
        doing: Iterable[AnyJob] = (),
        urgent: Callable[[AnyJob], bool] = lambda task: False,
    ) -> None:
        self._urgent = urgent
        tasks = list(tasks)
        ends = {task.gives for task in [*tasks, *doing]} - {None}
        self._waiting: dict[Hashable, list[AnyJob]] = {}
        self._ready: list[tuple[bool, float, int, AnyJob]] = []
        self._count = 0
        for task in tasks:
            if task.needs in ends:
                self._waiting.setdefault(task.needs, []).append(task)
            else:
                self._push(task)

    def __len__(self) -> int:
        """How many tasks are ready now."""
        return len(self._ready)

    def _push(self, task: AnyJob) -> None:
        heapq.heappush(self._ready, (not self._urgent(task), -task.priority, self._count, task))
        self._count += 1

    def next(self) -> AnyJob | None:
        """The ready task with the longest path below it, urgent ones first; None where none is ready now."""
        return heapq.heappop(self._ready)[3] if self._ready else None

    def done(self, task: AnyJob) -> None:
        """``task`` is done: what starts at its end is ready."""
        for waiting in self._waiting.pop(task.gives, []):
            self._push(waiting)

    def dropped(self, task: AnyJob) -> list[AnyJob]:
        """``task`` will not be done: everything that depends on it is taken out, and returned."""
        found = self._waiting.pop(task.gives, [])
        for waiting in list(found):
            found += self.dropped(waiting)
        return found


def possible(tasks: Iterable[Task], failed: Iterable[tuple[int, str]]) -> list[Task]:
    """Those of ``tasks``, parents before children, that need none of the states, by seed and path, that failed."""
    bad, found = set(failed), []
    for task in tasks:
        states = [task.start, *(step.path for step in task.steps)]
        if any((task.seed, path) in bad for path in states):
            bad.add((task.seed, task.end))
        else:
            found.append(task)
    return found
