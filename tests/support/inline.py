"""The engine without worker processes: tasks are done one after the other in the test's own process."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from multiprocessing import Pipe
from typing import Any

from critlab.data import load
from critlab.engine.executors.worker import WorkerContext
from critlab.engine.maintenance.study_files import whole
from critlab.engine.planning.retention import retained_paths
from critlab.engine.records.adoption import settle
from critlab.engine.records.provenance import provenance
from critlab.engine.records.study_ids import StudyIds
from critlab.engine.records.study_record import StudyRecord, enter, write_record
from critlab.engine.tasks.missing_work import MissingWork, Task, find_missing_work
from critlab.engine.tasks.task_queue import Failure, RunOutcome, TaskQueue
from critlab.store import Store
from critlab.store.locks import Locks
from critlab.study.origin import Numerics
from critlab.study.study import Study
from critlab.study.tree import build


class Told:
    """A watcher that remembers what it was told."""

    def __init__(self) -> None:
        self.remarks: list[str] = []
        self.failures: list[str] = []
        self.notes: list[str] = []

    def epoch(self, seconds: float) -> None:
        assert seconds >= 0

    def diverged(self, task: Task, note: str) -> None:
        self.notes.append(note)

    def failed(self, task: Task, reason: str) -> None:
        self.failures.append(reason)

    def remark(self, text: str) -> None:
        self.remarks.append(text)

    def left(self, epochs: int) -> None:
        assert epochs >= 0

    def tick(self) -> None:
        pass


class Inline:
    """Runs ``study`` into ``store``, as the local engine does with one worker.

    Every state is kept, unless ``size``, bytes of a checkpoint, says that there is no room for all.
    """

    def __init__(self, study: Study, store: Store, size: int = 1, locks: Locks | None = None) -> None:
        self.study, self.store = study, store
        images = load(study.data)
        self.tree, self.names = build(study), StudyIds(study, images.fingerprint, Numerics())
        self.kept = retained_paths(self.tree, len(study.seeds), size)
        store.root.mkdir(parents=True, exist_ok=True)
        code = settle(study, store, None, images.fingerprint, Numerics()).recorded
        asked = study.model_dump(mode="json")
        record = StudyRecord(asked, images.fingerprint, Numerics(), dict(provenance()), code=code)
        self.record = enter(store, study, record)
        self.desk = WorkerContext(study, images.fingerprint, Numerics(), store, None, "cpu", locks)
        self.told = Told()

    def survey(self) -> MissingWork:
        return find_missing_work(self.tree, self.study.seeds, self.names, self.store, self.kept)

    def run(self, before: Callable[[Task], Any] = lambda task: None) -> RunOutcome:
        """Does all that is left; ``before`` is called with every task first."""
        agenda = TaskQueue(self.survey(), self.survey, self.told, self._record)
        ending = work_off(agenda, self.desk, before)
        if not self.survey().tasks:
            write_record(self.store, replace(self.record, complete=whole(self.study, self.names, self.tree)))
        return ending

    def _record(self, failure: Failure) -> None:
        body = {"seed": failure.seed, "reason": failure.reason}
        self.store.write("failures", self.names.state(failure.seed, failure.path), body)


def work_off(agenda: TaskQueue, desk: WorkerContext, before: Callable[[Task], Any] = lambda task: None) -> RunOutcome:
    """Does what is on the agenda, one task after the other, as the local engine's workers do."""
    ours, theirs = Pipe()
    while not agenda.ending.stopped and (task := agenda.next([])) is not None:
        before(task)
        end = desk.do(task, theirs)
        while ours.poll():
            told = json.loads(ours.recv_bytes())
            agenda.epoch(told["seconds"], told["replayed"])
            if told["status"] == "diverged":
                agenda.watcher.diverged(task, told["note"])
        agenda.ended(task, end["kind"], end.get("reason", ""), end.get("path", ""))
    return agenda.ending


def table(study: Study, store: Store) -> str:
    """The tidy table of ``study`` as CSV."""
    from critlab.analysis.reading import read_results

    return read_results(study, store).to_csv()


def flipped(content: bytes, dice: random.Random) -> bytes:
    """``content`` with one bit turned over."""
    damaged = bytearray(content)
    damaged[dice.randrange(len(damaged))] ^= 1 << dice.randrange(8)
    return bytes(damaged)
