"""Writing one task's events to the store, and telling the coordinator what it needs to know of them."""

from __future__ import annotations

from critlab.engine.study_run import StudyRun
from critlab.engine.tasks.checkpoint_cache import CheckpointCache
from critlab.engine.tasks.claims import Claim
from critlab.engine.tasks.events import Ending, EpochDone, Event, Replayed, StateReached, Stopped, Trained
from critlab.engine.tasks.missing_work import Task
from critlab.engine.tasks.writer import Writer
from critlab.store.disk.locks import Locks


class TaskRecorder:
    """Takes the events of one task, in their order.

    Args:
        run: the study and its store.
        task: whose events these are.
        device: where they are computed.
        locks: by which the work is shared with other processes; None where the store has none.
        cache: keeps the checkpoints that were just written; None where this process reads none.
    """

    def __init__(
        self, run: StudyRun, task: Task, device: str, locks: Locks | None, cache: CheckpointCache | None = None
    ) -> None:
        self.run, self.task, self.cache = run, task, cache
        self.claim = Claim(locks, run.ids, run.store, task)
        self.writer = Writer(run.store, run.ids, task, device)
        self.epochs = 0
        self.how: Ending = "done"

    def begin(self) -> Ending | None:
        """Claim the task; returns why there is nothing to do, or None where the task can start.

        The claim is the caller's to release, also where this raises.
        """
        if not self.claim.take():
            return "busy"
        return "overtaken" if self.claim.overtaken() else None

    @property
    def path(self) -> str:
        """The path that the task is working towards."""
        return self.task.working_towards(self.epochs)

    def take(self, event: Event) -> EpochDone | None:
        """Write one event; returns what it means for the coordinator.

        Raises:
            StoreUnwritable: the disk is full, or the store may not be written.
        """
        self.writer.write(event)
        if self.cache is not None and isinstance(event, StateReached) and event.keep:
            self.cache.keep(self.run.ids.state(self.task.seed, event.path), event.arrays)
        self.claim.follow(event)
        if isinstance(event, Stopped):
            self.how = "stopped"
        elif isinstance(event, Replayed):
            self.epochs += 1
            return EpochDone(self.task, event.seconds, replayed=True)
        elif isinstance(event, Trained):
            self.epochs += 1
            diverged = event.body["status"] == "diverged"
            self.how = "diverged" if diverged else self.how
            return EpochDone(self.task, event.body["seconds"], False, str(event.body["note"]) if diverged else "")
        return None

    def finish(self) -> Ending:
        """Remove the state that was only there to continue from, where the task is done; returns how it ended."""
        if self.how == "done":
            self.writer.finish()
        return self.how
