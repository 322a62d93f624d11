"""A task's claim: while it is done, no other process trains or reads the same states."""

from __future__ import annotations

from critlab.engine.names import Names
from critlab.engine.perform import Event, Reached, Replayed, Trained
from critlab.engine.work import Task
from critlab.store import Store
from critlab.store.locks import Locks


class Claim:
    """Claims the states that a task makes, and gives each back when others can go on from it.

    Args:
        locks: the store's; None where it has none, and a single process writes.
        names: the names of states and readings.
        store: what is known.
        task: what is to be done.
    """

    def __init__(self, locks: Locks | None, names: Names, store: Store, task: Task) -> None:
        self.locks, self.names, self.store, self.task = locks, names, store, task
        self.held = {path: names.state(task.seed, path) for path in task.makes}
        self.stored: str | None = None

    def take(self) -> bool:
        """Whether the claim was had; not where another process is at one of the states."""
        return self.locks is None or self.locks.claim(list(self.held.values()))

    def overtaken(self) -> bool:
        """Whether something that the task would make is there by now, so that there is less to do than it says."""
        measured = {self.task.start: self.task.at_start, **{step.path: step.measures for step in self.task.steps}}
        trained = [step.path for step in self.task.steps if step.recorded_loss is None]
        seed = self.task.seed
        return any(self.store.has("epochs", self.names.state(seed, path)) for path in trained) or any(
            self.store.has("readings", self.names.reading(seed, path, measure))
            for path, measures in measured.items()
            for measure in measures
            if path not in trained
        )

    def follow(self, event: Event) -> None:
        """Gives back what lies behind a state that is stored and recorded."""
        if isinstance(event, Reached):
            self.stored = event.path
        elif isinstance(event, Trained | Replayed) and event.path == self.stored:
            behind = []
            for path in list(self.held):
                behind.append(self.held.pop(path))
                if path == event.path:
                    break
            self._release(behind)

    def release(self) -> None:
        """Gives everything back."""
        self._release(list(self.held.values()))
        self.held.clear()

    def _release(self, names: list[str]) -> None:
        if self.locks is not None:
            self.locks.release(names)
