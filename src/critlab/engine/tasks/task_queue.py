"""What is left of the work while it goes on: what is ready, what waits, and what failed. It knows no executor."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from critlab.engine.interruption import Interruption
from critlab.engine.tasks.events import Progress, TaskEnded
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
    """Gives out tasks, and reads the store again when it turns out to hold more or less than it did.

    Args:
        work: what the store lacks.
        survey: finds that again.
        listener: receives the progress.
        record: writes a failure down.
        interruption: whether a stop was requested.
    """

    def __init__(
        self,
        work: MissingWork,
        survey: Callable[[], MissingWork],
        listener: ProgressListener,
        record: Callable[[int, str, str], None],
        interruption: Interruption,
    ) -> None:
        # one seed first: so a curve is there early, and with several seeds all workers have work to the end
        self.urgent = {task.seed for task in work.tasks[:1]}
        self.ready = ReadyTasks(work.tasks, urgent=self._is_urgent)
        self.survey, self.listener, self.record = survey, listener, record
        self.interruption, self.outcome = interruption, RunOutcome()
        self.doing: list[Task] = []
        self._attempts: Counter[tuple[int, str]] = Counter()
        self._left, self._done = work.trained + work.replayed, Counter[tuple[int, str]]()
        self._stale, self._due = False, 0.0

    def _is_urgent(self, task: Task) -> bool:
        return task.seed in self.urgent

    @property
    def stopped(self) -> bool:
        """Whether no further task starts: a person or a scheduler asked for it, or the store cannot be written."""
        self.outcome.stopped |= self.interruption.asked
        return self.outcome.stopped

    @property
    def patience(self) -> float:
        """Seconds that tasks may take to stop."""
        return self.interruption.patience

    @property
    def pending(self) -> bool:
        """Whether something is ready, or may be after the store is read again."""
        return bool(self._stale or len(self.ready))

    def next(self) -> Task | None:
        """The next task that can start now; None where none is ready now."""
        task = self.ready.next()
        if task is None and self._stale and time.monotonic() >= self._due:
            self._look_again()
            task = self.ready.next()
        if task is not None:
            self.doing.append(task)
        return task

    def _look_again(self) -> None:
        began = time.monotonic()
        work = self.survey()
        self._left, self._done = work.trained + work.replayed, Counter()
        self.listener.left(self._left)
        made = {(task.seed, path) for task in self.doing for path in task.makes}
        new = [task for task in work.tasks if not any((task.seed, path) in made for path in task.makes)]
        failed = [(failure.seed, failure.path) for failure in self.outcome.failures]
        self.ready = ReadyTasks(possible(new, failed), self.doing, self._is_urgent)
        # what is being done may end otherwise than it began, so the last look happens when no task is running
        self._stale = len(new) < len(work.tasks)
        ended = time.monotonic()
        self._due = ended + max(LOOK_SECONDS, 20 * (ended - began))

    def tick(self) -> None:
        """Time has passed."""
        self.listener.tick()

    def take(self, event: Progress) -> None:
        """Take note of what an executor reports."""
        if isinstance(event, TaskEnded):
            self.doing.remove(event.task)
            self._ended(event)
            return
        self.outcome.trained += not event.replayed
        self.outcome.replayed += event.replayed
        self._left -= 1
        self._done[event.task.seed, event.task.end] += 1
        self.listener.epoch(event.seconds)
        if event.diverged:
            self.listener.diverged(event.task, event.diverged)

    def _ended(self, event: TaskEnded) -> None:
        task, how = event.task, event.how
        if how == "done":
            self.ready.done(task)
        elif how == "diverged":
            self._give_up(task)
        elif how == "failed":
            self._fail(task, event.path, event.reason)
        elif how in ("gone", "died"):
            self._retry(task, event.path, event.reason)
        elif how == "lost":
            self._put_off(task, at_once=True)
        elif how in ("busy", "overtaken"):
            if not self.outcome.shared:
                self.outcome.shared = True
                self.listener.remark(SHARED)
            self._put_off(task, at_once=how == "overtaken")
        elif how == "unwritable":
            self.outcome.unwritable = self.outcome.unwritable or event.reason
            self.outcome.stopped = True

    def _retry(self, task: Task, path: str, reason: str) -> None:
        """What broke at ``path`` was not the task's own doing, unless it happens again."""
        self._attempts[task.seed, path] += 1
        if self._attempts[task.seed, path] < ATTEMPTS:
            self._put_off(task, at_once=True)
        else:
            self._fail(task, path, f"{reason} ({ATTEMPTS} times)")

    def _fail(self, task: Task, path: str, reason: str) -> None:
        """The work broke at ``path``; what depends on it is blocked."""
        self.outcome.failures.append(Failure(task.seed, path, reason))
        self.record(task.seed, path, reason)
        self.outcome.blocked += self._give_up(task)
        self.listener.failed(task, reason)

    def _give_up(self, task: Task) -> list[Task]:
        """Counts ``task`` and all that depends on it as work that is no longer left; returns the latter."""
        blocked = self.ready.dropped(task)
        self._left -= len(task.steps) - self._done[task.seed, task.end] + sum(len(one.steps) for one in blocked)
        self.listener.left(max(self._left, 0))
        return blocked

    def _put_off(self, task: Task, at_once: bool) -> None:
        self.ready.dropped(task)
        self._stale = True
        if at_once:
            self._due = 0.0
