"""A worker process: one thread, one task at a time, received over a pipe.

Started as a Python of its own and not by forking or by re-importing the caller's script, so that it is the same from a
script, a notebook and the command line. Messages are JSON. It ends when its parent does, however that happens.
"""

from __future__ import annotations

import io
import json
import os
import sys
import threading
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from critlab._core.errors import StudyError
from critlab._core.loading.imports import imported
from critlab.engine.context import RunContext, WorkerContext, failure_reason
from critlab.engine.executors.child_process import be_a_child
from critlab.engine.records.provenance import provenance
from critlab.engine.tasks.events import EpochDone, Progress, TaskEnded
from critlab.engine.tasks.missing_work import EpochTask, Task
from critlab.store.disk.locks import Locks
from critlab.store.disk.presence import stay

IN_WORKER = "CRITLAB_WORKER"


def refuse_inside_a_worker() -> None:
    """Refuses to start workers from a worker, which would start others without end.

    Raises:
        StudyError: this process is one.
    """
    if os.environ.get(IN_WORKER):
        raise StudyError(
            "a worker process imported a script that starts a study; put the call under 'if __name__ == \"__main__\":'"
        )


def task_message(task: Task) -> dict[str, Any]:
    """A task as JSON values."""
    return asdict(task)


def read_task(message: dict[str, Any]) -> Task:
    """The task that :func:`task_message` wrote."""
    steps = tuple(EpochTask(**{**step, "measures": tuple(step["measures"])}) for step in message["steps"])
    return Task(**{**message, "steps": steps, "at_start": tuple(message["at_start"])})


def progress_message(event: Progress) -> dict[str, Any]:
    """An event as JSON values, without its task, which the receiver knows."""
    values = {name: value for name, value in vars(event).items() if name != "task"}
    return {"kind": "epoch" if isinstance(event, EpochDone) else "end", **values}


def read_progress(message: dict[str, Any], task: Task) -> Progress:
    """The event of ``task`` that :func:`progress_message` wrote."""
    values = {name: value for name, value in message.items() if name != "kind"}
    return EpochDone(task, **values) if message["kind"] == "epoch" else TaskEnded(task, **values)


def setup_message(context: RunContext) -> dict[str, Any]:
    """The first message to a worker, as JSON values."""
    folder = context.options.folder
    return {
        "kind": "setup",
        **context.run.message(),
        "folder": str(folder.absolute()) if folder else None,
        "device": context.device,
        "torch": provenance()["torch"],
        "sys_path": [os.path.abspath(entry) for entry in sys.path],
        "locks": context.locks is not None,
        "source": context.source.path,
        "source_values": dict(context.source.values),
    }


def worker_context(setup: dict[str, Any]) -> WorkerContext:
    """What the parent's first message describes.

    Raises:
        CritlabError: the data or the user's own code changed since the parent read them.
    """
    import torch

    torch.set_num_threads(1)
    if setup["locks"]:
        stay(Path(setup["store"]))  # it may outlive its parent for a moment
    run, learner = imported(setup["source"])(setup, None)
    return WorkerContext(run, learner, setup["device"], Locks(run.store.root) if setup["locks"] else None)


class _StopRequest:
    """Whether the parent has asked to stop; the only message that comes while a task is being done."""

    def __init__(self, connection: Connection) -> None:
        self.connection, self.asked = connection, False

    def __call__(self) -> bool:
        if not self.asked and self.connection.poll():
            self.asked = json.loads(self.connection.recv_bytes())["kind"] == "stop"
        return self.asked


def _send(connection: Connection, **message: Any) -> None:
    connection.send_bytes(json.dumps(message).encode())


def _print_on_standard_error() -> None:
    """What a user's function prints is no part of a document that the parent may show on standard output."""
    os.dup2(2, 1)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)


def _end_with_parent(lifeline: int) -> None:
    """Ends this process at once when the other end of ``lifeline`` closes, which no death of the parent can prevent."""

    def wait() -> None:
        os.read(lifeline, 1)
        os._exit(1)

    threading.Thread(target=wait, daemon=True, name="lifeline").start()


def main(parent: int, channel: int, lifeline: int) -> None:
    """Serves tasks until the parent says so or is gone.

    Args:
        parent: the process number of the parent, which decides when to stop.
        channel: the descriptor of the socket for messages.
        lifeline: the descriptor that closes when the parent is gone.
    """
    be_a_child(parent)
    _end_with_parent(lifeline)
    connection = Connection(channel)
    _print_on_standard_error()
    setup = json.loads(connection.recv_bytes())
    try:
        worker = worker_context(setup)
    except Exception as error:
        _send(connection, kind="unusable", reason=failure_reason(error))
        return
    _send(connection, kind="ready")
    while (message := _receive(connection))["kind"] == "task":
        for event in worker.execute(read_task(message["task"]), _StopRequest(connection)):
            _send(connection, **progress_message(event))


def _receive(connection: Connection) -> dict[str, Any]:
    """The next message; a closed connection is the end of the work."""
    try:
        message: dict[str, Any] = json.loads(connection.recv_bytes())
    except EOFError:
        return {"kind": "end"}
    return message
