"""The engine without worker processes: tasks are done one after the other in the test's own process."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from critlab.data import load
from critlab.engine.context import RunContext
from critlab.engine.coordinator import coordinate
from critlab.engine.executors.inline import InlineExecutor
from critlab.engine.interruption import Interruption
from critlab.engine.learner import network_training
from critlab.engine.records.adoption import settle
from critlab.engine.records.provenance import provenance
from critlab.engine.records.standing import enter, write_record
from critlab.engine.records.study_ids import StudyIds
from critlab.engine.records.study_record import StudyRecord
from critlab.engine.study_run import StudyRun
from critlab.engine.tasks.missing_work import Task
from critlab.engine.tasks.task_queue import RunOutcome, TaskQueue
from critlab.store import Store
from critlab.store.disk.locks import Locks
from critlab.study.runs.origin import Numerics
from critlab.study.study import Study


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
    """Runs ``study`` into ``store`` in this process.

    Every state is kept, unless ``size``, bytes of a checkpoint, says that there is no room for all.
    """

    def __init__(self, study: Study, store: Store, size: int = 1, locks: Locks | None = None) -> None:
        self.study, self.store = study, store
        images = load(study.data)
        store.root.mkdir(parents=True, exist_ok=True)
        code = settle(study, store, None, images.fingerprint, Numerics()).recorded
        asked = study.model_dump(mode="json")
        record = StudyRecord(asked, images.fingerprint, Numerics(), dict(provenance()), code=code)
        ids = StudyIds(study, images.fingerprint, Numerics())
        self.record = enter(store, study, record)
        self.work = StudyRun.assemble(study, ids, store, size)
        self.tree, self.names, self.survey = self.work.tree, self.work.ids, self.work.missing
        self.learner = network_training().learner(study, images, Numerics(), "cpu")
        self.context = RunContext(self.work, "cpu", lambda: self.learner, images, locks)
        self.told = Told()

    def run(self, before: Callable[[Task], Any] = lambda task: None) -> RunOutcome:
        """Does all that is left; ``before`` is called with every task first."""
        queue = TaskQueue(self.survey(), self.survey, self.told, self.work.record_failure, Interruption())
        for _ in coordinate(queue, executor_after(before)(self.context)):
            pass
        if not self.survey().tasks:
            write_record(self.store, replace(self.record, complete=self.work.complete()))
        return queue.outcome


def executor_after(before: Callable[[Task], Any]) -> type[InlineExecutor]:
    """The inline executor, which calls ``before`` with every task first."""

    class After(InlineExecutor):
        def submit(self, task: Task) -> None:
            before(task)
            super().submit(task)

    return After


def table(study: Study, store: Store) -> str:
    """The tidy table of ``study`` as CSV."""
    from critlab.analysis.tables.reading import read_results

    return read_results(study, store).to_csv()


def flipped(content: bytes, dice: random.Random) -> bytes:
    """``content`` with one bit turned over."""
    damaged = bytearray(content)
    damaged[dice.randrange(len(damaged))] ^= 1 << dice.randrange(8)
    return bytes(damaged)
