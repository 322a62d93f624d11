"""The local engine: one single-threaded worker process per core, fed from an agenda."""

from __future__ import annotations

import errno
import json
import os
import socket
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from multiprocessing.connection import Connection, wait
from typing import Any

from critlab._core.errors import CritlabError
from critlab.engine.executors.child_process import FOR_THE_PARENT, GRACE, end_child, start_child
from critlab.engine.executors.worker import IN_WORKER, task_message
from critlab.engine.interruption import PREEMPTED, Interruption
from critlab.engine.tasks.missing_work import Task
from critlab.engine.tasks.task_queue import LOOK_SECONDS, RunOutcome, TaskQueue

ENVIRONMENT = {
    IN_WORKER: "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # glibc keeps freed memory instead of mapping every large tensor again, which saves a fifth of an evaluation's time
    # (measured); it takes at most 32 MiB
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "MALLOC_TRIM_THRESHOLD_": "4294967296",
    # without it cuBLAS knows no deterministic way
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
}
"""What every worker's environment adds."""

PREEMPTED_SECONDS, INTERRUPTED_SECONDS = 20.0, 60.0
"""How long workers may take to stop: schedulers kill after 30 s, where a person at a keyboard can decide."""

LACKING = {errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM}
"""What the system answers when it has no more descriptors, processes or memory to give."""


class _Worker:
    """One worker process and the task that it is doing.

    Raises:
        OSError: the system has no room for another process; nothing is left open.
    """

    def __init__(self, setup: Mapping[str, Any]) -> None:
        with ExitStack() as opened:
            ours, theirs = socket.socketpair()
            opened.callback(theirs.close)
            keep = opened.enter_context(ExitStack())
            keep.callback(ours.close)
            alive_read, self._alive = os.pipe()
            opened.callback(os.close, alive_read)
            keep.callback(os.close, self._alive)
            # a session of its own would outlive a kill of the group, so the worker stays in ours
            descriptors = (theirs.fileno(), alive_read)
            self.process = start_child(
                "critlab.engine.executors.worker", *descriptors, environment=ENVIRONMENT, pass_fds=descriptors
            )
            keep.pop_all()
        self.connection, self.ready = Connection(ours.detach()), False
        self.task: Task | None = None
        self.epochs = 0
        self.send(**setup)

    def send(self, **message: Any) -> None:
        with suppress(OSError):  # it died: the closed connection is noticed where answers are read
            self.connection.send_bytes(json.dumps(message).encode())

    def give(self, task: Task) -> None:
        self.task, self.epochs = task, 0
        self.send(kind="task", task=task_message(task))

    def at(self) -> str:
        """The path that it is working towards."""
        assert self.task is not None, "only a worker with a task is somewhere"
        steps = self.task.steps
        return steps[min(self.epochs, len(steps) - 1)].path if steps else self.task.start

    def let_go(self) -> None:
        """Closes what holds the process; it ends by itself, unless it is stuck."""
        self.connection.close()
        os.close(self._alive)

    def end(self) -> None:
        self.let_go()
        end_child(self.process)


def execute(agenda: TaskQueue, setup: Mapping[str, Any], workers: int, interruption: Interruption) -> RunOutcome:
    """Does what is on the agenda, on ``workers`` processes.

    Args:
        agenda: what to do.
        setup: what every worker receives first.
        workers: how many processes; no more are started than there are tasks.
        interruption: whether a stop was requested.

    Returns:
        What failed; whether the work was stopped before its end.

    Raises:
        CritlabError: no worker could be made ready.
    """
    engine = _Engine(agenda, setup, workers, interruption)
    try:
        engine.work()
    finally:
        _end(engine.workers)
    return agenda.ending


def start_seconds(setup: Mapping[str, Any], workers: int) -> float:
    """How long it takes until that many workers, started at once, are ready.

    Raises:
        CritlabError: one of them cannot be made ready.
    """
    began, started = time.perf_counter(), list[_Worker]()
    try:
        for _ in range(workers):
            started.append(_Worker(setup))
        for worker in started:
            message = json.loads(worker.connection.recv_bytes())
            if message["kind"] != "ready":
                raise CritlabError(f"a worker process could not start: {message['reason']}")
        return time.perf_counter() - began
    except (EOFError, OSError):
        raise CritlabError("a worker process ended while starting; see its message above") from None
    finally:
        _end(started)


def _end(workers: list[_Worker]) -> None:
    """Ends all of them, in the time that the slowest takes."""
    for worker in workers:
        worker.let_go()
    until = time.monotonic() + GRACE
    for worker in workers:
        end_child(worker.process, max(0.0, until - time.monotonic()))


class _Engine:
    """The loop that hands out tasks and listens."""

    def __init__(self, agenda: TaskQueue, setup: Mapping[str, Any], workers: int, interruption: Interruption) -> None:
        self.agenda, self.setup, self.most = agenda, setup, workers
        self.watcher, self.interruption = agenda.watcher, interruption
        self.workers: list[_Worker] = []
        self.until: float | None = None

    def work(self) -> None:
        while True:
            self.agenda.ending.stopped |= self.interruption.asked
            if self.agenda.ending.stopped:
                self._stop()
            else:
                self._staff()
                self._hand_out()
            busy = any(worker.task or not worker.ready for worker in self.workers)
            if not busy and (self.agenda.ending.stopped or not self.agenda.pending):
                return
            by_connection = {worker.connection: worker for worker in self.workers}
            for connection in wait(list(by_connection), timeout=0.2):
                self._listen(by_connection[connection])  # type: ignore[index]
            self.watcher.tick()

    def _stop(self) -> None:
        """Asks every worker to stop, and later kills those that are stuck: they keep what they stored last."""
        if self.until is None:
            patience = PREEMPTED_SECONDS if self.interruption.status == PREEMPTED else INTERRUPTED_SECONDS
            self.until = time.monotonic() + patience
            for worker in self.workers:
                worker.send(kind="stop")
            # a worker that is still starting has nothing to store
            self._kill([worker for worker in self.workers if not worker.ready])
        elif time.monotonic() > self.until:
            stuck = [worker for worker in self.workers if worker.task is not None]
            if stuck:
                self.watcher.remark(f"{len(stuck)} of {len(self.workers)} workers did not stop in time and were killed")
            self._kill(stuck)

    def _kill(self, workers: list[_Worker]) -> None:
        for worker in workers:
            self.workers.remove(worker)
            worker.process.kill()
            worker.end()

    def _staff(self) -> None:
        """Starts a worker for every task that could be done now, as far as there may be more."""
        idle = sum(worker.task is None for worker in self.workers)
        wanted = max(len(self.agenda.schedule), self.agenda.pending) - idle
        for _ in range(min(self.most - len(self.workers), wanted)):
            try:
                self.workers.append(_Worker(self.setup))
            except OSError as error:
                if error.errno not in LACKING:
                    raise
                if not self.workers:
                    raise CritlabError(f"cannot start a worker process: {error.strerror}; see ulimit -a") from None
                self.most = len(self.workers)
                self.watcher.remark(f"the system allows only {self.most} worker processes: {error.strerror}")
                return

    def _hand_out(self) -> None:
        for worker in self.workers:
            if worker.ready and worker.task is None:
                task = self.agenda.next([other.task for other in self.workers if other.task])
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
            worker.epochs += 1
            self.agenda.epoch(message["seconds"], message["replayed"])
            if message["status"] == "diverged" and worker.task:
                self.watcher.diverged(worker.task, message["note"])
        elif kind == "unusable":
            raise CritlabError(f"a worker process could not start: {message['reason']}")
        elif kind == "ready":
            worker.ready = True
        elif worker.task is not None:
            task, worker.task = worker.task, None
            self.agenda.ended(task, kind, message.get("reason", ""), message.get("path", ""))

    def _died(self, worker: _Worker) -> None:
        self.workers.remove(worker)
        worker.end()
        code = worker.process.returncode
        if worker.task is not None:
            self.agenda.retry(worker.task, worker.at(), f"its worker process died with status {code}")
        elif not worker.ready and not self._signalled(code):
            raise CritlabError(f"a worker ended with status {code} while starting; see its message above")

    def _signalled(self, code: int) -> bool:
        """Whether a worker was ended by a signal that this process was sent as well, perhaps a moment later."""
        if -code in FOR_THE_PARENT:
            time.sleep(LOOK_SECONDS)
        return self.interruption.asked
