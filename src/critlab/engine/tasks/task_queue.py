"""What is left of the work while it goes on: what is ready, what waits for whom, what failed; it knows no processes."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Protocol

from critlab.engine.tasks.missing_work import MissingWork, Task
from critlab.engine.tasks.ready_tasks import ReadyTasks, possible

ATTEMPTS = 2
"""How often a state is tried at which the worker died, or whose start failed its check, before it counts as failed."""

SHARED = "another process is training in this store; waiting for its results"
"""What the progress says, once, where another process has a task's states."""

LOOK_SECONDS = 0.5
"""How long to wait before looking again at what another process is doing, or longer where looking is slow."""


class ProgressListener(Protocol):
    """Receives the progress of the work."""

    def epoch(self, seconds: float) -> None:
        """One epoch was trained in so many seconds of one worker."""

    def diverged(self, task: Task, note: str) -> None:
        """A run is no longer finite."""

    def failed(self, task: Task, reason: str) -> None:
        """A task, and what depends on it, could not be done."""

    def remark(self, text: str) -> None:
        """Something that a person should know, in a sentence."""

    def left(self, epochs: int) -> None:
        """So many epochs are left, whoever does them."""

    def tick(self) -> None:
        """Time has passed."""


@dataclass(frozen=True)
class Failure:
    """At which state of which seed the work broke, and why."""

    seed: int
    path: str
    reason: str


@dataclass
class RunOutcome:
    """How the work ended.

    Args:
        failures: what broke.
        blocked: what was left undone because of it.
        stopped: whether it was broken off.
        unwritable: why the store could not be written, if that is why it was broken off.
        vanished: what another program deleted from the store during the work, if it was not made again.
        shared: whether another process was at the same work.
        trained: epochs trained here.
        replayed: epochs trained again here.
    """

    failures: list[Failure] = field(default_factory=list)
    blocked: list[Task] = field(default_factory=list)
    stopped: bool = False
    unwritable: str = ""
    vanished: str = ""
    shared: bool = False
    trained: int = 0
    replayed: int = 0


class TaskQueue:
    """Gives out tasks, and takes another look at the store when it turns out to know more or less than it did.

    Args:
        work: what the store lacks.
        survey: looks again.
        watcher: receives the progress.
        record: writes a failure down.
    """

    def __init__(
        self,
        work: MissingWork,
        survey: Callable[[], MissingWork],
        watcher: ProgressListener,
        record: Callable[[Failure], None],
    ) -> None:
        self.schedule, self.survey, self.watcher, self.record = ReadyTasks(work.tasks), survey, watcher, record
        self.ending = RunOutcome()
        self._attempts: Counter[tuple[int, str]] = Counter()
        self._stale, self._due = False, 0.0

    @property
    def pending(self) -> bool:
        """Whether something is ready, or may be after another look at the store."""
        return bool(self._stale or len(self.schedule))

    def next(self, doing: Collection[Task]) -> Task | None:
        """The next task that can start now; None where none is ready now."""
        task = self.schedule.next()
        if task is None and self._stale and time.monotonic() >= self._due:
            self._look_again(doing)
            task = self.schedule.next()
        return task

    def _look_again(self, doing: Collection[Task]) -> None:
        began = time.monotonic()
        work = self.survey()
        self.watcher.left(work.trained + work.replayed)
        made = {(task.seed, path) for task in doing for path in task.makes}
        new = [task for task in work.tasks if not any((task.seed, path) in made for path in task.makes)]
        failed = [(failure.seed, failure.path) for failure in self.ending.failures]
        self.schedule = ReadyTasks(possible(new, failed), doing)
        # what is being done may end otherwise than it began, so the last look happens when no task is running
        self._stale = len(new) < len(work.tasks)
        ended = time.monotonic()
        self._due = ended + max(LOOK_SECONDS, 20 * (ended - began))

    def epoch(self, seconds: float, replayed: bool) -> None:
        """An epoch is done."""
        self.ending.trained += not replayed
        self.ending.replayed += replayed
        self.watcher.epoch(seconds)

    def ended(self, task: Task, how: str, reason: str = "", path: str = "") -> None:
        """Takes note of how a task ended: ``done``, ``diverged``, ``stopped``, ``busy`` where another process has it,
        ``overtaken`` where another process did it, ``gone`` where its start was not there, ``failed``, or
        ``unwritable`` where the store could not be written.
        """
        if how == "done":
            self.schedule.done(task)
        elif how == "diverged":
            self.schedule.dropped(task)
        elif how == "failed":
            self.fail(task, path, reason)
        elif how == "gone":
            self.retry(task, task.start, reason)
        elif how in ("busy", "overtaken"):
            if not self.ending.shared:
                self.ending.shared = True
                self.watcher.remark(SHARED)
            self._put_off(task, at_once=how == "overtaken")
        elif how == "unwritable":
            self.ending.unwritable = self.ending.unwritable or reason
            self.ending.stopped = True

    def retry(self, task: Task, path: str, reason: str) -> None:
        """What broke at ``path`` was not the task's own doing, unless it happens again."""
        self._attempts[task.seed, path] += 1
        if self._attempts[task.seed, path] < ATTEMPTS:
            self._put_off(task, at_once=True)
        else:
            self.fail(task, path, f"{reason} ({ATTEMPTS} times)")

    def lost(self, task: Task) -> None:
        """The machine that did the task is gone, which says nothing about the task."""
        self._put_off(task, at_once=True)

    def fail(self, task: Task, path: str, reason: str) -> None:
        """The work broke at ``path``; what depends on it is blocked."""
        self.ending.failures.append(Failure(task.seed, path, reason))
        self.record(self.ending.failures[-1])
        self.ending.blocked += self.schedule.dropped(task)
        self.watcher.failed(task, reason)

    def _put_off(self, task: Task, at_once: bool) -> None:
        self.schedule.dropped(task)
        self._stale = True
        if at_once:
            self._due = 0.0
