"""A task's claim: while a task is done, no other process trains or reads the same states.

Another process can only begin where a state is stored. So a task holds the first state after the one that it stored
last, and a few states around the one that it is at, and moves on hand over hand: a claim costs the same however many
epochs a task has. The kernel walks through all locks of a file for each new one, so holding all states at once would
cost the square of their number.
"""

from __future__ import annotations

from critlab.engine.records.study_ids import StudyIds
from critlab.engine.tasks.events import Event, Replayed, StateReached, Trained
from critlab.engine.tasks.missing_work import Task
from critlab.store import Store
from critlab.store.disk.locks import Locks
from critlab.store.store import Kind

AHEAD = 3
"""How many states after the one just made a task holds: the next one is held before the record of this one is there."""


class Claim:
    """Claims the states that a task makes, shortly before it makes them, and gives each back when it is over.

    Args:
        locks: the store's; None where it has none, and a single process writes.
        names: the names of states and readings.
        store: what is known.
        task: what is to be done.
    """

    def __init__(self, locks: Locks | None, names: StudyIds, store: Store, task: Task) -> None:
        self.locks, self.names, self.store, self.task = locks, names, store, task
        self.makes = task.makes
        self.place = {path: index for index, path in enumerate(self.makes)}
        self.held: dict[str, str] = {}
        self.stored: str | None = None
        self.anchor = self.makes[0]

    def take(self) -> bool:
        """Whether the claim was had; not where another process is at one of the states."""
        return self._claim(self.makes[:AHEAD])

    def overtaken(self) -> bool:
        """Whether something that the task would make is there by now, so that there is less to do than it says."""
        measured = {self.task.start: self.task.at_start, **{step.path: step.measures for step in self.task.steps}}
        trained = {step.path for step in self.task.steps if step.recorded_loss is None}
        seed = self.task.seed
        return any(self._is_known("epochs", self.names.state(seed, path)) for path in trained) or any(
            self._is_known("readings", self.names.reading(seed, path, measure))
            for path, measures in measured.items()
            for measure in measures
            if path not in trained
        )

    def _is_known(self, kind: Kind, name: str) -> bool:
        """Whether a sound record is there; a damaged one that cannot be moved away stays until it is written again."""
        return self.store.has(kind, name) and self.store.read(kind, name) is not None

    def follow(self, event: Event) -> None:
        """Claims what comes next, and gives back what others no longer begin at."""
        if isinstance(event, StateReached):
            self.stored = event.path
        elif isinstance(event, Trained | Replayed):
            here = self.place[event.path]
            for path in self.makes[here + 1 : here + 1 + AHEAD]:
                # had by another process only where files went while both were at work: then both make the same state
                self._claim((path,))
            if event.path == self.stored and here + 1 < len(self.makes):
                self.anchor = self.makes[here + 1]
            self._release([path for path in self.held if self.place[path] <= here and path != self.anchor])

    def release(self) -> None:
        """Gives everything back."""
        self._release(list(self.held))

    def _claim(self, paths: tuple[str, ...]) -> bool:
        new = {path: self.names.state(self.task.seed, path) for path in paths if path not in self.held}
        had = self.locks is None or self.locks.claim(list(new.values()))
        if had:
            self.held |= new
        return had

    def _release(self, paths: list[str]) -> None:
        names = [self.held.pop(path) for path in paths]
        if self.locks is not None:
            self.locks.release(names)
