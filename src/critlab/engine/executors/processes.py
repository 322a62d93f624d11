"""Tasks in processes of this machine, each with one thread; one process per core unless the user asks for less."""

from __future__ import annotations

import errno
import json
import os
import socket
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from multiprocessing.connection import Connection, wait
from typing import Any

from critlab._core.errors import CritlabError
from critlab.engine.context import RunContext
from critlab.engine.executor import TaskExecutor
from critlab.engine.executors.child_process import FOR_THE_PARENT, GRACE, end_child, start_child
from critlab.engine.executors.worker import IN_WORKER, read_progress, setup_message, task_message
from critlab.engine.planning.processors import default_workers
from critlab.engine.tasks.events import Progress, TaskEnded
from critlab.engine.tasks.missing_work import Task

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

LACKING = {errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM}
"""What the system answers when it has no more descriptors, processes or memory to give."""

SIGNAL_SECONDS = 0.5
"""How much later than a worker this process may receive a signal that was sent to both."""


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

    def let_go(self) -> None:
        """Closes what holds the process; it ends by itself, unless it is stuck."""
        self.connection.close()
        os.close(self._alive)

    def end(self) -> None:
        self.let_go()
        end_child(self.process)


class ProcessExecutor(TaskExecutor):
    """One task per process; as many processes as there are cores, started as they are needed."""

    name = "processes"

    def __init__(self, context: RunContext) -> None:
        super().__init__(context)
        self._setup = setup_message(context)
        self._most = context.options.workers or default_workers(context.device)
        self._workers: list[_Worker] = []
        self._waiting: deque[Task] = deque()
        self._until: float | None = None

    @property
    def workers(self) -> int:
        """How many processes there may be."""
        return self._most

    @property
    def capacity(self) -> int:
        """Processes without a task, those that are not started yet included."""
        return self._most - len(self._waiting) - sum(worker.task is not None for worker in self._workers)

    def submit(self, task: Task) -> None:
        """Give the task to a process that has none, or start one for it; the first that is ready takes it."""
        self._waiting.append(task)
        self._staff()
        self._hand_out()

    def events(self, seconds: float) -> Iterator[Progress]:
        """What the processes report."""
        while self._until is not None and self._waiting:
            yield TaskEnded(self._waiting.popleft(), "stopped")
        if self._until is not None and time.monotonic() > self._until:
            yield from self._end_stuck()
        by_connection = {worker.connection: worker for worker in self._workers}
        for connection in wait(list(by_connection), timeout=seconds):
            yield from self._listen(by_connection[connection])  # type: ignore[index]

    def stop(self, seconds: float) -> None:
        """Ask every process to stop, and later kill those that are stuck: they keep what they stored last."""
        self._until = time.monotonic() + seconds
        for worker in self._workers:
            worker.send(kind="stop")
        # a worker that is still starting has nothing to store
        self._kill([worker for worker in self._workers if not worker.ready])

    def close(self) -> None:
        """End all processes; one that is still starting has nothing to store."""
        self._kill([worker for worker in self._workers if not worker.ready])
        _end(self._workers)

    def _end_stuck(self) -> Iterator[Progress]:
        stuck = [worker for worker in self._workers if worker.task is not None]
        if stuck:
            self.context.remark(f"{len(stuck)} of {len(self._workers)} workers did not stop in time and were killed")
        self._kill(stuck)
        for worker in stuck:
            assert worker.task is not None, "only a worker with a task is stuck"
            yield TaskEnded(worker.task, "stopped")

    def _kill(self, workers: list[_Worker]) -> None:
        for worker in workers:
            self._workers.remove(worker)
            worker.process.kill()
            worker.end()

    def _staff(self) -> None:
        """Start a worker for every task that has none, as far as there may be more."""
        wanted = len(self._waiting) - sum(worker.task is None for worker in self._workers)
        for _ in range(min(self._most - len(self._workers), wanted)):
            try:
                self._workers.append(_Worker(self._setup))
            except OSError as error:
                if error.errno not in LACKING:
                    raise
                if not self._workers:
                    raise CritlabError(f"cannot start a worker process: {error.strerror}; see ulimit -a") from None
                self._most = len(self._workers)
                self.context.remark(f"the system allows only {self._most} worker processes: {error.strerror}")
                return

    def _hand_out(self) -> None:
        for worker in self._workers:
            if self._waiting and worker.ready and worker.task is None:
                worker.give(self._waiting.popleft())

    def _listen(self, worker: _Worker) -> Iterator[Progress]:
        try:
            message = json.loads(worker.connection.recv_bytes())
        except (EOFError, OSError):
            yield from self._died(worker)
            return
        if message["kind"] == "unusable":
            raise CritlabError(f"a worker process could not start: {message['reason']}")
        if message["kind"] == "ready":
            worker.ready = True
            self._hand_out()
        elif worker.task is not None:
            event = read_progress(message, worker.task)
            if isinstance(event, TaskEnded):
                worker.task = None
                # tasks wait where the system allows fewer processes than were asked for
                self._hand_out()
            worker.epochs += 1
            yield event

    def _died(self, worker: _Worker) -> Iterator[Progress]:
        self._workers.remove(worker)
        worker.end()
        code = worker.process.returncode
        if worker.task is not None:
            path = worker.task.working_towards(worker.epochs)
            yield TaskEnded(worker.task, "died", f"its worker process died with status {code}", path)
        elif not worker.ready and not self._signalled(code):
            raise CritlabError(f"a worker ended with status {code} while starting; see its message above")
        if self._until is None:
            self._staff()

    def _signalled(self, code: int) -> bool:
        """Whether a worker was ended by a signal that this process was sent as well, perhaps a moment later."""
        if -code in FOR_THE_PARENT:
            time.sleep(SIGNAL_SECONDS)
        return self.context.stopping()


def start_seconds(context: RunContext, workers: int) -> float:
    """How long it takes until that many workers, started at once, are ready.

    Raises:
        CritlabError: one of them cannot be made ready.
    """
    setup, began, started = setup_message(context), time.perf_counter(), list[_Worker]()
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
