"""Tasks on a Ray cluster: each is a Ray task that streams its events back; the driver alone writes the store.

A state at which a task ends goes to the tasks that begin there as an object of the cluster. The driver keeps
every such state in the store as well, since Ray loses objects with their node and with the driver.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from critlab._core.errors import StoreUnwritable, StudyError
from critlab.engine.context import RunContext, failure_reason
from critlab.engine.executor import TaskExecutor
from critlab.engine.executors.ray_task import MachineOf, run_task
from critlab.engine.executors.worker import setup_message
from critlab.engine.tasks.events import Progress, StateReached, TaskEnded
from critlab.engine.tasks.missing_work import Task
from critlab.engine.tasks.recorder import TaskRecorder
from critlab.study.runs.tree import ROOT

LOST = (
    "NodeDiedError",
    "ObjectLostError",
    "OwnerDiedError",
    "ReferenceCountingAssertionError",
    "ObjectFetchTimedOutError",
)
"""Errors of Ray that say that a node went, and nothing about the task."""


def ray_module() -> Any:
    """Ray, without usage statistics and log output.

    Raises:
        StudyError: it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise StudyError("--engine: received ray, which is not installed; pip install 'critlab[ray]'") from None
    return ray


def joined_here(ray: Any, workers: int | None) -> bool:
    """Joins the cluster at ``RAY_ADDRESS``, or starts one of this machine alone; False where this process has done so.

    Args:
        ray: the module.
        workers: how many cores a cluster of this machine has; None is all of them.
    """
    if ray.is_initialized():
        return False
    own = {} if os.environ.get("RAY_ADDRESS") else {"num_cpus": workers, "include_dashboard": False}
    ray.init(log_to_driver=False, configure_logging=False, **own)
    return True


@contextmanager
def joined_ray(workers: int | None) -> Iterator[Any]:
    """Ray, joined to a cluster as long as it is open; one that this process had joined before stays.

    Raises:
        StudyError: it is not installed.
    """
    ray = ray_module()
    joined = joined_here(ray, workers)
    try:
        yield ray
    finally:
        if joined:
            ray.shutdown()


class RayExecutor(TaskExecutor):
    """Tasks on the Ray cluster at ``RAY_ADDRESS``, or else on a cluster of this machine alone."""

    name = "ray"

    def __init__(self, context: RunContext) -> None:
        super().__init__(context)
        ray = self.ray = ray_module()
        options, self._most = context.options, context.options.workers
        self._joined = joined_here(ray, self._most)
        # the images travel to the nodes once each
        self._setup, self._images = ray.put(setup_message(context)), ray.put(context.images)
        self._flag = ray.remote(num_cpus=0)(_Flag).remote()
        needs = {"num_cpus": 1, **({"num_gpus": options.gpu_share} if context.device == "cuda" else {})}
        self._remote = ray.remote(**needs, num_returns="streaming", max_retries=0)(run_task)
        self._streams: dict[Any, TaskRecorder] = {}
        self._states: dict[str, Any] = {}
        self._ended: list[TaskEnded] = []

    @classmethod
    def check(cls) -> None:
        """Refuse to be used where Ray is not installed."""
        ray_module()

    @property
    def capacity(self) -> int:
        """With ``--workers`` so many tasks at a time, else all that are ready, which lets a cluster grow."""
        return sys.maxsize if self._most is None else self._most - len(self._streams)

    def submit(self, task: Task) -> None:
        """Hand the task to the cluster, with the state that it starts from."""
        context, store, ids = self.context, self.context.run.store, self.context.run.ids
        recorder = TaskRecorder(context.run, task, context.device, context.locks)
        if idle := recorder.begin():
            self._end(recorder, TaskEnded(task, idle))
            return
        name, inside = ids.state(task.seed, task.start), None
        if task.steps and not task.at_start:
            inside = store.load_state(ids.state(task.seed, task.steps[0].path), "inside")
        start = None if task.start == ROOT or inside else self._states.get(name) or store.load_state(name)
        if start is None and inside is None and task.start != ROOT:
            self._end(recorder, TaskEnded(task, "gone", f"checkpoint {name} is missing or damaged", task.start))
            return
        self._streams[self._remote.remote(self._setup, self._images, task, start, inside, self._flag)] = recorder

    def events(self, seconds: float) -> Iterator[Progress]:
        """What the cluster reports, and what there was nothing to do for."""
        if self.capacity:
            self._states.clear()  # no task is ready: everything that begins at one of them is on its way
        ready: list[Any] = []
        if self._streams and not self._ended:
            ready, _ = self.ray.wait(list(self._streams), timeout=seconds, fetch_local=False)
        for stream in ready:
            yield from self._listen(stream)
        while self._ended:
            yield self._ended.pop()

    def stop(self, seconds: float) -> None:
        """Ask every task to stop; Ray ends those that outlive the driver."""
        self._flag.ask.remote()

    def close(self) -> None:
        """Cancel what is left, and leave the cluster where this executor joined it."""
        for stream, recorder in self._streams.items():
            self.ray.cancel(stream)
            recorder.claim.release()
        if self._joined:
            self.ray.shutdown()

    def _listen(self, stream: Any) -> Iterator[Progress]:
        """Takes the next event of a task."""
        recorder = self._streams[stream]
        task = recorder.task
        try:
            reference = next(stream)
        except StopIteration:
            self._end(recorder, TaskEnded(task, recorder.finish()), stream)
            return
        try:
            event = self.ray.get(reference)
            if isinstance(event, MachineOf):
                recorder.writer.provenance = {**event.provenance, "device": self.context.device}
            elif (progress := recorder.take(event)) is not None:
                yield progress
            if isinstance(event, StateReached) and event.path == task.end:
                self._states[self.context.run.ids.state(task.seed, event.path)] = reference
        except StoreUnwritable as error:
            self._end(recorder, TaskEnded(task, "unwritable", f"{error}"), stream)
        except self.ray.exceptions.RayError as error:
            self._end(recorder, self._broken(recorder, error), stream)

    def _broken(self, recorder: TaskRecorder, error: Any) -> TaskEnded:
        """A task raised, its process died, or its node went; only the first is surely its own doing."""
        task, path = recorder.task, recorder.path
        cause = getattr(error, "cause", None)
        if type(error).__name__ in LOST:
            self._states.clear()
            return TaskEnded(task, "lost", path=path)
        if isinstance(cause, Exception):
            return TaskEnded(task, "failed", failure_reason(cause), path)
        self._states.clear()
        return TaskEnded(task, "died", f"its worker process died: {' '.join(f'{error}'.split())[:300]}", path)

    def _end(self, recorder: TaskRecorder, event: TaskEnded, stream: Any = None) -> None:
        self._streams.pop(stream, None)
        recorder.claim.release()
        self._ended.append(event)


class _Flag:
    """Reports to every task whether to stop; lives on the cluster."""

    def __init__(self) -> None:
        self.asked = False

    def ask(self) -> None:
        self.asked = True

    def look(self) -> bool:
        return self.asked
