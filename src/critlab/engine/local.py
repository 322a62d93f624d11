"""The local engine: one single-threaded worker process per core, fed from a schedule."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

from critlab.engine.interruption import Interruption
from critlab.engine.schedule import Schedule
from critlab.engine.work import Task
from critlab.engine.worker import IN_WORKER, task_message
from critlab.errors import CritlabError

ATTEMPTS = 2
"""A task whose worker died is tried so often in all; a second death is taken for the task's own doing."""


ENVIRONMENT = {
    IN_WORKER: "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # glibc keeps freed memory instead of mapping every large tensor anew, which saves a fifth of an evaluation's time
    # (measured); it takes at most 32 MiB
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "MALLOC_TRIM_THRESHOLD_": "4294967296",
}
"""What every worker's environment adds."""


class Watcher(Protocol):
    """Who is told how the work goes."""

    def epoch(self, seconds: float) -> None:
        """One epoch was trained in so many seconds of one worker."""

    def diverged(self, task: Task, note: str) -> None:
        """A run is no longer finite."""

    def failed(self, task: Task, reason: str) -> None:
        """A task, and what depends on it, could not be done."""

    def tick(self) -> None:
        """Time has passed."""


@dataclass(frozen=True)
class Failure:
    """At which state of which seed the work broke, and why."""

    seed: int
    path: str
    reason: str


@dataclass
class Ending:
    """How the work ended: what failed and why, and what was left undone because of it."""

    failures: list[Failure] = field(default_factory=list)
    blocked: list[Task] = field(default_factory=list)
    stopped: bool = False


class _Worker:
    """One worker process and the task that it is doing."""

    def __init__(self, setup: Mapping[str, Any]) -> None:
        ours, theirs = _pair()
        alive_read, self._alive = os.pipe()
        environment = {**os.environ, **ENVIRONMENT}
        command = [sys.executable, "-m", "critlab.engine.worker", str(theirs), str(alive_read)]
        # a session of its own would outlive a kill of the group, so the worker stays in ours
        self.process = subprocess.Popen(
            command, pass_fds=(theirs, alive_read), stdin=subprocess.DEVNULL, env=environment
        )
        os.close(theirs)
        os.close(alive_read)
        self.connection, self.ready = Connection(ours), False
        self.task: Task | None = None
        self.send(**setup)

    def send(self, **message: Any) -> None:
        with suppress(OSError):  # it died: the closed connection is noticed where answers are read
            self.connection.send_bytes(json.dumps(message).encode())

    def give(self, task: Task) -> None:
        self.task, self.ready = task, False
        self.send(kind="task", task=task_message(task))

    def end(self) -> None:
        self.connection.close()
        os.close(self._alive)
        self.process.wait()


def _pair() -> tuple[int, int]:
    import socket

    ours, theirs = socket.socketpair()
    return ours.detach(), theirs.detach()


def execute(
    tasks: list[Task], setup: Mapping[str, Any], workers: int, watcher: Watcher, interruption: Interruption
) -> Ending:
    """Does ``tasks`` on ``workers`` processes.

    Args:
        tasks: what to do.
        setup: what every worker is told first.
        workers: how many processes; no more are started than there are tasks.
        watcher: who is told how it goes.
        interruption: whether somebody asked to stop.

    Returns:
        What failed; whether the work was stopped before its end.

    Raises:
        CritlabError: no worker could be made ready.
    """
    engine = _Engine(tasks, setup, min(workers, len(tasks)), watcher, interruption)
    try:
        engine.work()
    finally:
        for worker in engine.workers:
            worker.end()
    return engine.ending


class _Engine:
    """The loop that hands out tasks and listens."""

    def __init__(
        self,
        tasks: list[Task],
        setup: Mapping[str, Any],
        workers: int,
        watcher: Watcher,
        interruption: Interruption,
    ) -> None:
        self.schedule, self.setup = Schedule(tasks), setup
        self.watcher, self.interruption, self.ending = watcher, interruption, Ending()
        self.attempts: dict[Task, int] = {}
        self.workers: list[_Worker] = []
        for _ in range(workers):
            self.workers.append(_Worker(setup))

    def work(self) -> None:
        told = False
        while self.workers:
            if self.interruption.asked and not told:
                told = self.ending.stopped = True
                for worker in self.workers:
                    worker.send(kind="stop")
            self._hand_out()
            if not any(worker.task or not worker.ready for worker in self.workers):
                return
            by_connection = {worker.connection: worker for worker in self.workers}
            for connection in wait(list(by_connection), timeout=0.2):
                self._listen(by_connection[connection])  # type: ignore[index]
            self.watcher.tick()

    def _hand_out(self) -> None:
        for worker in self.workers:
            if worker.ready and worker.task is None and not self.ending.stopped:
                task = self.schedule.next()
                if task is None:
                    return
                worker.give(task)

    def _listen(self, worker: _Worker) -> None:
        try:
            message = json.loads(worker.connection.recv_bytes())
        except (EOFError, OSError):
            self._died(worker)
            return
        kind = message["kind"]
        if kind == "epoch":
            self.watcher.epoch(message["seconds"])
            if message["status"] == "diverged" and worker.task:
                self.watcher.diverged(worker.task, message["note"])
        elif kind == "unusable":
            raise CritlabError(f"a worker could not begin: {message['reason']}")
        else:
            self._finished(worker, kind, message)

    def _finished(self, worker: _Worker, kind: str, message: Mapping[str, str]) -> None:
        task, worker.task, worker.ready = worker.task, None, True
        if task is None:
            return
        if kind == "done":
            self.schedule.done(task)
        elif kind == "diverged":
            self.schedule.dropped(task)
        elif kind == "failed":
            self._fail(task, message["path"], message["reason"])

    def _fail(self, task: Task, path: str, reason: str) -> None:
        self.ending.failures.append(Failure(task.seed, path, reason))
        self.ending.blocked += self.schedule.dropped(task)
        self.watcher.failed(task, reason)

    def _died(self, worker: _Worker) -> None:
        task = worker.task
        self.workers.remove(worker)
        worker.end()
        code = worker.process.returncode
        if not worker.ready and task is None:
            raise CritlabError(f"a worker ended with status {code} before it could begin; its message is above")
        if task is not None:
            self.attempts[task] = self.attempts.get(task, 1) + 1
            if self.attempts[task] > ATTEMPTS:
                first = task.steps[0].path if task.steps else task.start
                self._fail(task, first, f"its worker process died {ATTEMPTS} times, the last time with status {code}")
            else:
                self.schedule.again(task)
        if not self.ending.stopped:
            self.workers.append(_Worker(self.setup))
