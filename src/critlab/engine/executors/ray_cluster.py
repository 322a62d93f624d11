"""The Ray engine: every task is a Ray task that streams its events back; the driver alone writes the store.

A state at which a stretch ends goes to the stretches that begin there as an object of the cluster. The driver keeps
every such state in the store as well, since Ray loses objects with their node and with the driver.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from critlab._core.errors import StoreUnwritable, StudyError
from critlab.engine.executors.ray_task import MachineOf, stretch
from critlab.engine.executors.worker import reason
from critlab.engine.interruption import Interruption
from critlab.engine.records.study_ids import StudyIds
from critlab.engine.tasks.claims import Claim
from critlab.engine.tasks.execute import Event, Replayed, StateReached, Stopped, Trained
from critlab.engine.tasks.missing_work import Task
from critlab.engine.tasks.task_queue import RunOutcome, TaskQueue
from critlab.engine.tasks.writer import Writer
from critlab.store import Store
from critlab.store.locks import Locks
from critlab.study.tree import ROOT

if TYPE_CHECKING:
    from critlab.data.image_set import ImageSet

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


@dataclass
class _Flight:
    """A task that was handed to the cluster."""

    task: Task
    claim: Claim
    writer: Writer
    epochs: int = 0
    ending: str = "done"

    def at(self) -> str:
        """The path that it is working towards."""
        steps = self.task.steps
        return steps[min(self.epochs, len(steps) - 1)].path if steps else self.task.start


def execute(
    agenda: TaskQueue,
    setup: Mapping[str, Any],
    images: ImageSet,
    names: StudyIds,
    store: Store,
    locks: Locks | None,
    workers: int | None,
    gpus: float,
    interruption: Interruption,
) -> RunOutcome:
    """Does what is on the agenda, on the Ray cluster at ``RAY_ADDRESS``, or else on one of this machine's own.

    Args:
        agenda: what to do.
        setup: what every task receives about the study.
        images: its images; they travel to the nodes once each.
        names: the names of states and readings.
        store: where results go; only this process writes there.
        locks: by which the work is shared with other processes.
        workers: how many tasks are handed over at a time; None for all that are ready, which lets a cluster grow.
        gpus: the share of a GPU that a task takes.
        interruption: whether a stop was requested.

    Raises:
        StudyError: Ray is not installed.
    """
    ray = ray_module()
    joined = not ray.is_initialized()
    if joined:
        own = {} if os.environ.get("RAY_ADDRESS") else {"num_cpus": workers, "include_dashboard": False}
        ray.init(log_to_driver=False, configure_logging=False, **own)
    try:
        driver = _Driver(ray, agenda, setup, images, names, store, locks, gpus, interruption)
        driver.work(workers)
    finally:
        if joined:
            ray.shutdown()
    return agenda.ending


class _Driver:
    """Hands tasks to the cluster, and writes down what comes back."""

    def __init__(
        self,
        ray: Any,
        agenda: TaskQueue,
        setup: Mapping[str, Any],
        images: ImageSet,
        names: StudyIds,
        store: Store,
        locks: Locks | None,
        gpus: float,
        interruption: Interruption,
    ) -> None:
        self.ray, self.agenda, self.names, self.store, self.locks = ray, agenda, names, store, locks
        self.interruption, self.device = interruption, setup["device"]
        self.setup, self.images = ray.put(dict(setup)), ray.put(images)
        self.flag = ray.remote(num_cpus=0)(_Flag).remote()
        options = {"num_cpus": 1, "num_gpus": gpus} if self.device == "cuda" else {"num_cpus": 1}
        self.remote = ray.remote(**options, num_returns="streaming", max_retries=0)(stretch)
        self.flights: dict[Any, _Flight] = {}
        self.states: dict[str, Any] = {}

    def work(self, most: int | None) -> None:
        told = False
        try:
            while True:
                self.agenda.ending.stopped |= self.interruption.asked
                if self.agenda.ending.stopped and not told:
                    told = True
                    self.flag.ask.remote()
                if not self.agenda.ending.stopped:
                    self._hand_over(most)
                if not self.flights and (self.agenda.ending.stopped or not self.agenda.pending):
                    return
                ready: list[Any] = []
                if self.flights:
                    ready, _ = self.ray.wait(list(self.flights), timeout=0.2, fetch_local=False)
                for stream in ready:
                    self._listen(stream)
                self.agenda.watcher.tick()
        finally:
            for stream, flight in self.flights.items():
                self.ray.cancel(stream)
                flight.claim.release()

    def _hand_over(self, most: int | None) -> None:
        while most is None or len(self.flights) < most:
            task = self.agenda.next([flight.task for flight in self.flights.values()])
            if task is None:
                break
            claim = Claim(self.locks, self.names, self.store, task)
            if not claim.take():
                self.agenda.ended(task, "busy")
            elif claim.overtaken():
                claim.release()
                self.agenda.ended(task, "overtaken")
            else:
                self._submit(task, claim)
        if not self.agenda.schedule:
            self.states.clear()  # everything that begins at one of them is on its way

    def _submit(self, task: Task, claim: Claim) -> None:
        name = self.names.state(task.seed, task.start)
        inside = None
        if task.steps and not task.at_start:
            inside = self.store.load_state(self.names.state(task.seed, task.steps[0].path), "inside")
        start = None if task.start == ROOT or inside else self.states.get(name) or self.store.load_state(name)
        if start is None and inside is None and task.start != ROOT:
            claim.release()
            self.agenda.ended(task, "gone", f"checkpoint {name} is missing or damaged")
            return
        stream = self.remote.remote(self.setup, self.images, task, start, inside, self.flag)
        self.flights[stream] = _Flight(task, claim, Writer(self.store, self.names, task, self.device))

    def _listen(self, stream: Any) -> None:
        """Takes the next event of a task."""
        flight = self.flights[stream]
        try:
            told = next(stream)
        except StopIteration:
            if flight.ending == "done":
                flight.writer.finish()
            self._over(stream, lambda: self.agenda.ended(flight.task, flight.ending))
            return
        try:
            self._write(flight, self.ray.get(told), told)
        except StoreUnwritable as error:
            why = f"{error}"
            self._over(stream, lambda: self.agenda.ended(flight.task, "unwritable", why))
        except self.ray.exceptions.RayError as error:
            self._broke(stream, flight, error)

    def _write(self, flight: _Flight, event: Event | MachineOf, reference: Any) -> None:
        if isinstance(event, MachineOf):
            flight.writer.provenance = {**event.provenance, "device": self.device}
            return
        flight.writer.write(event)
        flight.claim.follow(event)
        if isinstance(event, StateReached) and event.path == flight.task.end:
            self.states[self.names.state(flight.task.seed, event.path)] = reference
        elif isinstance(event, Stopped):
            flight.ending = "stopped"
        elif isinstance(event, Replayed):
            flight.epochs += 1
            self.agenda.epoch(event.seconds, replayed=True)
        elif isinstance(event, Trained):
            flight.epochs += 1
            self.agenda.epoch(event.body["seconds"], replayed=False)
            if event.body["status"] == "diverged":
                flight.ending = "diverged"
                self.agenda.watcher.diverged(flight.task, event.body["note"])

    def _broke(self, stream: Any, flight: _Flight, error: Any) -> None:
        """A task raised, its process died, or its node went; only the first is surely its own doing."""
        task, path = flight.task, flight.at()
        cause = getattr(error, "cause", None)
        if type(error).__name__ in LOST:
            self.states.clear()
            self._over(stream, lambda: self.agenda.lost(task))
        elif isinstance(cause, Exception):
            why = reason(cause)
            self._over(stream, lambda: self.agenda.ended(task, "failed", why, path))
        else:
            self.states.clear()
            why = f"its worker process died: {' '.join(f'{error}'.split())[:300]}"
            self._over(stream, lambda: self.agenda.retry(task, path, why))

    def _over(self, stream: Any, then: Callable[[], None]) -> None:
        self.flights.pop(stream).claim.release()
        then()


class _Flag:
    """Reports to every task whether to stop; lives on the cluster."""

    def __init__(self) -> None:
        self.asked = False

    def ask(self) -> None:
        self.asked = True

    def look(self) -> bool:
        return self.asked
