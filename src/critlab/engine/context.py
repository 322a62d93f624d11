"""What a study is run with: the options of a person, what executors receive, and what a worker holds between tasks."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from critlab._core.errors import CritlabError, StoreUnwritable
from critlab.engine.learner import Learner, WorkSource
from critlab.engine.study_run import StudyRun
from critlab.engine.tasks.checkpoint_cache import CheckpointCache
from critlab.engine.tasks.events import EpochDone, Event, Progress, TaskEnded
from critlab.engine.tasks.execute import CheckpointMissing, execute_task
from critlab.engine.tasks.missing_work import Task
from critlab.engine.tasks.recorder import TaskRecorder
from critlab.store.disk.locks import Locks
from critlab.study.runs.parts import Part

if TYPE_CHECKING:
    from critlab.data.image_set import ImageSet
    from critlab.study.study import Study

Precision = Literal["auto", "float32", "bfloat16"]
Device = Literal["auto", "cpu", "cuda"]


@dataclass(frozen=True)
class RunOptions:
    """With what a study is run.

    Args:
        workers: processes; None is one per core.
        device: where to compute; ``auto`` takes a GPU where there is one.
        precision: ``auto`` is what the store has recorded; at first what the study says, or what a timed step decides.
        folder: where the data lie; None is ``$CRITLAB_DATA``, else the user's cache folder.
        executor: where tasks are executed, by name: ``processes`` is one process per core of this machine, ``ray`` a
            Ray cluster, ``inline`` the calling process; or a user's own ``"package.module:Class"``.
        gpu_share: which share of a GPU a task takes on a Ray cluster, above 0 and at most 1.
        replace: let the study take over its name where the store holds another study of that name.
        remeasure: make readings again that are kept from an earlier version of their measure.
        restore: train again what only a missing checkpoint needs. Without it, records that were carried from another
            store without their checkpoints are enough.
        part: of the work, which this process does alone; None does all of it.
        during: called with the study in play a few times a second while it is trained, between two reports of the
            workers; must be fast most times, and raise nothing.
    """

    workers: int | None = None
    device: Device = "auto"
    precision: Precision = "auto"
    folder: Path | None = None
    executor: str = "processes"
    gpu_share: float = 1.0
    replace: bool = False
    remeasure: bool = False
    restore: bool = True
    part: Part | None = None
    during: Callable[[Study], None] | None = None


@dataclass(frozen=True)
class RunContext:
    """What an executor receives.

    Args:
        run: the study and its store.
        device: where to compute, ``cpu`` or ``cuda``.
        make_learner: makes what learns, in this process.
        images: the study's images; None where only the learner knows its data.
        locks: by which the work is shared with other processes; None where the store has none.
        options: of the person who runs the study.
        stopping: whether a stop was requested.
        remark: shows one sentence to a person.
        source: from what other processes make the study and what learns it.
    """

    run: StudyRun
    device: str
    make_learner: Callable[[], Learner]
    images: ImageSet | None = None
    locks: Locks | None = None
    options: RunOptions = RunOptions()
    stopping: Callable[[], bool] = lambda: False
    remark: Callable[[str], None] = lambda text: None
    source: WorkSource = field(default_factory=WorkSource)

    def worker(self) -> WorkerContext:
        """What executes tasks in this process."""
        return WorkerContext(self.run, self.make_learner(), self.device, self.locks)


class WorkerContext:
    """What a worker holds between tasks: the study, its store, what learns, and the checkpoints that it used last.

    Args:
        run: the study and its store.
        learner: what learns.
        device: where it computes.
        locks: by which the work is shared with other processes; None where the store has none.
    """

    def __init__(self, run: StudyRun, learner: Learner, device: str, locks: Locks | None) -> None:
        self.run, self.learner, self.device, self.locks = run, learner, device, locks
        self.cache = CheckpointCache(run.store)

    def execute(self, task: Task, stop: Callable[[], bool]) -> Iterator[Progress]:
        """Execute one task and write what becomes known; what breaks is the reason in the last event.

        Args:
            task: what to do.
            stop: asked after every step of training.
        """
        epochs = 0
        try:
            for event in self.execute_or_raise(task, stop):
                epochs += isinstance(event, EpochDone)
                yield event
        except StoreUnwritable as error:
            yield TaskEnded(task, "unwritable", f"{error}")
        except Exception as error:
            yield TaskEnded(task, "failed", failure_reason(error), task.working_towards(epochs))

    def execute_or_raise(self, task: Task, stop: Callable[[], bool]) -> Iterator[Progress]:
        """The same; errors of the learner and of the store pass through."""
        recorder = TaskRecorder(self.run, task, self.device, self.locks, self.cache)
        try:
            idle = recorder.begin()
            for event in () if idle else self._events(task, stop):
                if (progress := recorder.take(event)) is not None:
                    yield progress
            ended = TaskEnded(task, idle or recorder.finish())
        except CheckpointMissing as missing:
            ended = TaskEnded(task, "gone", f"{missing}", task.start)
        finally:
            recorder.claim.release()
        yield ended

    def _events(self, task: Task, stop: Callable[[], bool]) -> Iterator[Event]:
        run, load_inside = self.run, partial(self.run.store.load_state, kind="inside")
        return execute_task(task, run.tree, run.ids, self.learner, self.cache.load, stop, load_inside)


def failure_reason(error: Exception) -> str:
    """One line for what critlab or the system says; the whole trace where the code itself broke."""
    if isinstance(error, RuntimeError) and "allocate memory" in f"{error}":
        return f"out of memory: {error}"
    if isinstance(error, MemoryError):
        return f"out of memory: {error or 'the worker process needs more'}"
    if isinstance(error, CritlabError | OSError):
        return f"{type(error).__name__}: {error}"
    return "".join(traceback.format_exception(error)).rstrip()
