"""A worker process: one thread, one task at a time, told what to do over a pipe.

Started as ``python -m critlab.engine.worker`` and not by forking or by re-importing the caller's script, so that it is
the same from a script, a notebook and the command line. Messages are JSON. It ends when its parent does, however that
happens.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import traceback
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from critlab.engine.names import Names
from critlab.engine.perform import Replayed, Stopped, Trained, perform
from critlab.engine.work import Step, Task
from critlab.engine.writing import Writer
from critlab.errors import CritlabError
from critlab.store import Store
from critlab.study.origin import Numerics
from critlab.study.study import Study
from critlab.study.tree import ROOT, build

IN_WORKER = "CRITLAB_WORKER"


def task_message(task: Task) -> dict[str, Any]:
    """A task as JSON values."""
    return asdict(task)


def read_task(message: dict[str, Any]) -> Task:
    """The task that :func:`task_message` wrote."""
    steps = tuple(Step(**{**step, "measures": tuple(step["measures"])}) for step in message["steps"])
    return Task(**{**message, "steps": steps, "at_start": tuple(message["at_start"])})


class Desk:
    """What a worker has at hand between tasks: the study, its tree, the data, the store.

    Args:
        study: the question.
        fingerprint: content hash of the images, as the parent found it.
        numerics: how numbers are computed.
        store: where results go.
        folder: where the data lie; None for the default.
        device: where to compute.
    """

    def __init__(
        self,
        study: Study,
        fingerprint: str,
        numerics: Numerics,
        store: Store,
        folder: Path | None,
        device: str,
    ) -> None:
        import torch

        from critlab.data import load
        from critlab.training.learner import NetworkLearner

        torch.set_num_threads(1)
        self.tree, self.names, self.store = build(study), Names(study, fingerprint, numerics), store
        images = load(study.data, folder)
        if images.fingerprint != fingerprint:
            raise CritlabError("the data changed while the study was running; run it again")
        self.learner = NetworkLearner(study, images, numerics, device)
        self.at = ROOT

    def do(self, task: Task, connection: Connection) -> None:
        """Does one task, writes what becomes known, and reports every epoch and the end."""
        writer = Writer(self.store, self.names, task)
        self.at = task.steps[0].path if task.steps else task.start
        following = {step.path: after.path for step, after in zip(task.steps, task.steps[1:], strict=False)}
        asked = _StopRequest(connection)
        for event in perform(task, self.tree, self.names, self.learner, self.store.load_state, asked):
            writer.write(event)
            if isinstance(event, Trained | Replayed):
                self.at = following.get(event.path, event.path)
            if isinstance(event, Replayed):
                _send(connection, kind="epoch", seconds=event.seconds, status="done", note=None)
            elif isinstance(event, Trained):
                status = event.body["status"]
                _send(
                    connection,
                    kind="epoch",
                    seconds=event.body["seconds"],
                    status=status,
                    note=event.body.get("note"),
                )
                if status == "diverged":
                    _send(connection, kind="diverged")
                    return
            elif isinstance(event, Stopped):
                _send(connection, kind="stopped")
                return
        writer.finish()
        _send(connection, kind="done")


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


def _end_with_parent(lifeline: int) -> None:
    """Ends this process at once when the other end of ``lifeline`` closes, which no death of the parent can prevent."""

    def wait() -> None:
        os.read(lifeline, 1)
        os._exit(1)

    threading.Thread(target=wait, daemon=True, name="lifeline").start()


def main(channel: int, lifeline: int) -> None:
    """Serves tasks until the parent says so or is gone."""
    _end_with_parent(lifeline)
    # the parent decides when to stop: a Ctrl-C in the terminal reaches the whole process group
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    connection = Connection(channel)
    setup = json.loads(connection.recv_bytes())
    sys.path[:0] = [entry for entry in setup["sys_path"] if entry not in sys.path]
    try:
        desk = Desk(
            Study.read(setup["study"], "study"),
            setup["fingerprint"],
            Numerics.read(setup["numerics"], "numerics"),
            Store(setup["store"]),
            Path(setup["folder"]) if setup["folder"] else None,
            setup["device"],
        )
    except Exception as error:
        _send(connection, kind="unusable", reason=_reason(error))
        return
    _send(connection, kind="ready")
    while (message := _receive(connection))["kind"] == "task":
        try:
            desk.do(read_task(message["task"]), connection)
        except Exception as error:
            _send(connection, kind="failed", reason=_reason(error), path=desk.at)


def _receive(connection: Connection) -> dict[str, Any]:
    """The next message; a closed connection is the end of the work."""
    try:
        message: dict[str, Any] = json.loads(connection.recv_bytes())
    except EOFError:
        return {"kind": "end"}
    return message


def _reason(error: Exception) -> str:
    """One line for what critlab or the system says; the whole trace where the code itself broke."""
    if isinstance(error, CritlabError | OSError | MemoryError):
        return f"{type(error).__name__}: {error}"
    return "".join(traceback.format_exception(error)).rstrip()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
