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
import traceback
from collections.abc import Mapping
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from critlab._core.errors import CritlabError, StoreUnwritable, StudyError
from critlab._core.user_code.identity import NOTHING
from critlab.engine.executors.child_process import be_a_child
from critlab.engine.records.own_code import code_files, refuse_edited
from critlab.engine.records.provenance import provenance
from critlab.engine.records.study_ids import PRESENT, StudyIds
from critlab.engine.tasks.checkpoint_cache import CheckpointCache
from critlab.engine.tasks.claims import Claim
from critlab.engine.tasks.execute import CheckpointMissing, Replayed, StateReached, Stopped, Trained, execute_task
from critlab.engine.tasks.missing_work import EpochTask, Task
from critlab.engine.tasks.writer import Writer
from critlab.store import Store
from critlab.store.locks import Locks
from critlab.store.presence import stay
from critlab.study.origin import Numerics
from critlab.study.study import Study
from critlab.study.tree import ROOT, build

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


class WorkerContext:
    """What a worker has at hand between tasks: the study, its tree, the data, the store.

    Args:
        study: the question.
        fingerprint: content hash of the images, as the parent found it.
        numerics: how numbers are computed.
        store: where results go.
        folder: where the data lie; None for the default.
        device: where to compute.
        locks: by which the work is shared with other processes; None where the store has none.
        adopted: digests of own code, and those by which the store has named it already.
        versions: of the measures whose readings are kept from an earlier version, which.
    """

    def __init__(
        self,
        study: Study,
        fingerprint: str,
        numerics: Numerics,
        store: Store,
        folder: Path | None,
        device: str,
        locks: Locks | None,
        adopted: Mapping[str, str] = NOTHING,
        versions: Mapping[str, int] = PRESENT,
    ) -> None:
        import torch

        from critlab.data import load
        from critlab.training.device import make_deterministic
        from critlab.training.learner import NetworkLearner

        torch.set_num_threads(1)
        if device == "cuda":
            make_deterministic()
        self.names, self.store = StudyIds(study, fingerprint, numerics, adopted, versions), store
        self.tree = build(study, adopted)
        images = load(study.data, folder)
        if images.fingerprint != fingerprint:
            raise CritlabError("the data changed while the study was running; run the study again")
        self.learner = NetworkLearner(study, images, numerics, device)
        self.device, self.locks, self.at = device, locks, ROOT
        self.recent = CheckpointCache(store)

    def do(self, task: Task, connection: Connection) -> dict[str, Any]:
        """Does one task, writes what becomes known, and reports every epoch; gives the message of its end."""
        claim = Claim(self.locks, self.names, self.store, task)
        self.at = task.steps[0].path if task.steps else task.start
        if not claim.take():
            return {"kind": "busy"}
        try:
            return {"kind": "overtaken"} if claim.overtaken() else self._do(task, claim, connection)
        except CheckpointMissing as gone:
            return {"kind": "gone", "reason": f"{gone}", "path": task.start}
        except StoreUnwritable as error:
            return {"kind": "unwritable", "reason": f"{error}"}
        except Exception as error:
            return {"kind": "failed", "reason": reason(error), "path": self.at}
        finally:
            claim.release()

    def _do(self, task: Task, claim: Claim, connection: Connection) -> dict[str, Any]:
        writer = Writer(self.store, self.names, task, self.device)
        following = {step.path: after.path for step, after in zip(task.steps, task.steps[1:], strict=False)}
        asked = _StopRequest(connection)
        for event in execute_task(
            task,
            self.tree,
            self.names,
            self.learner,
            self.recent.load,
            asked,
            lambda name: self.store.load_state(name, "inside"),
        ):
            writer.write(event)
            if isinstance(event, StateReached) and event.keep:
                self.recent.keep(self.names.state(task.seed, event.path), event.arrays)
            claim.follow(event)
            if isinstance(event, Trained | Replayed):
                self.at = following.get(event.path, event.path)
                _send(connection, **epoch_message(event))
                if isinstance(event, Trained) and event.body["status"] == "diverged":
                    return {"kind": "diverged"}
            elif isinstance(event, Stopped):
                return {"kind": "stopped"}
        writer.finish()
        return {"kind": "done"}


def epoch_message(event: Trained | Replayed) -> dict[str, Any]:
    """The message about an epoch."""
    if isinstance(event, Replayed):
        return {"kind": "epoch", "seconds": event.seconds, "replayed": True, "status": "done", "note": None}
    body = event.body
    return {
        "kind": "epoch",
        "seconds": body["seconds"],
        "replayed": False,
        "status": body["status"],
        "note": body.get("note"),
    }


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
        desk = desk_of(setup)
    except Exception as error:
        _send(connection, kind="unusable", reason=reason(error))
        return
    _send(connection, kind="ready")
    while (message := _receive(connection))["kind"] == "task":
        _send(connection, **desk.do(read_task(message["task"]), connection))


def setup_message(
    study: Study, store: Store, folder: Path | None, names: StudyIds, device: str, locks: bool
) -> dict[str, Any]:
    """The first message to a worker, as JSON values.

    Args:
        study: the question.
        store: where results go.
        folder: where the data lie; None for the default.
        names: of what the images and the numerics give.
        device: where to compute.
        locks: whether the store's file system has locks.
    """
    return {
        "kind": "setup",
        "study": study.model_dump(mode="json"),
        "fingerprint": names.fingerprint,
        "code": code_files(study),
        "adopted": dict(names.adopted),
        "versions": dict(names.versions),
        "numerics": names.numerics.model_dump(),
        "store": str(store.root.absolute()),
        "folder": str(folder.absolute()) if folder else None,
        "device": device,
        "torch": provenance()["torch"],
        "sys_path": [os.path.abspath(entry) for entry in sys.path],
        "locks": locks,
    }


def desk_of(setup: dict[str, Any]) -> WorkerContext:
    """The desk that the parent's first message describes."""
    store, study = Store(setup["store"]), Study.read(setup["study"], "study")
    refuse_edited(study, setup["code"])
    if setup["locks"]:
        stay(store.root)  # it may outlive its parent for a moment
    return WorkerContext(
        study,
        setup["fingerprint"],
        Numerics.read(setup["numerics"], "numerics"),
        store,
        Path(setup["folder"]) if setup["folder"] else None,
        setup["device"],
        Locks(store.root) if setup["locks"] else None,
        setup["adopted"],
        setup["versions"],
    )


def _receive(connection: Connection) -> dict[str, Any]:
    """The next message; a closed connection is the end of the work."""
    try:
        message: dict[str, Any] = json.loads(connection.recv_bytes())
    except EOFError:
        return {"kind": "end"}
    return message


def reason(error: Exception) -> str:
    """One line for what critlab or the system says; the whole trace where the code itself broke."""
    if isinstance(error, RuntimeError) and "allocate memory" in f"{error}":
        return f"out of memory: {error}"
    if isinstance(error, MemoryError):
        return f"out of memory: {error or 'the worker process needs more'}"
    if isinstance(error, CritlabError | OSError):
        return f"{type(error).__name__}: {error}"
    return "".join(traceback.format_exception(error)).rstrip()
