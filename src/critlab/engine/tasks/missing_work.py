"""What a store lacks of a study, as tasks: sequences of epochs that one worker does in one go."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from critlab.engine.records.study_ids import StudyIds
from critlab.store import Store
from critlab.study.ingredients.measurement import scheduled_measures
from critlab.study.runs.parts import within
from critlab.study.runs.tree import ROOT, Tree


@dataclass(frozen=True)
class EpochTask:
    """One epoch: which state it leads to, what is read there, and whether the state is kept.

    ``recorded_loss`` is the training loss of an epoch that was trained before and is replayed; it must come out again.
    """

    path: str
    measures: tuple[str, ...]
    keep: bool
    recorded_loss: float | None = None


@dataclass(frozen=True)
class Task:
    """A sequence of epochs from a stored state, or from the untrained network where ``start`` is the root.

    Args:
        seed: the run's seed.
        start: the path that it starts from.
        at_start: measures read before the first epoch.
        steps: the epochs.
        keep_start: whether the checkpoint of the start stays.
        priority: epochs on the longest way from the start to the end of a run.
    """

    seed: int
    start: str
    at_start: tuple[str, ...]
    steps: tuple[EpochTask, ...]
    keep_start: bool
    priority: int

    @property
    def end(self) -> str:
        """The path that it leads to."""
        return self.steps[-1].path if self.steps else self.start

    @property
    def needs(self) -> tuple[int, str]:
        """The state that it starts from, by seed and path."""
        return self.seed, self.start

    @property
    def gives(self) -> tuple[int, str] | None:
        """The state at its end, by seed and path; None where it only measures."""
        return (self.seed, self.end) if self.steps else None

    def working_towards(self, epochs: int) -> str:
        """The path that it works towards once it has trained so many epochs."""
        return self.steps[min(epochs, len(self.steps) - 1)].path if self.steps else self.start

    @property
    def makes(self) -> tuple[str, ...]:
        """The paths of the states that it trains or reads, in order."""
        read = (self.start,) if self.at_start or not self.steps else ()
        return (*read, *(step.path for step in self.steps))


@dataclass
class MissingWork:
    """The tasks that are left, and how much they are.

    Args:
        tasks: what to do; a task may start where another one ends.
        trained: epochs never trained before.
        replayed: epochs trained again for the sake of a reading, a state that was not kept, or a checkpoint that is
            missing.
        readings: measurements to take.
        diverged: paths of each seed at which training stopped being finite.
    """

    tasks: list[Task] = field(default_factory=list)
    trained: int = 0
    replayed: int = 0
    readings: int = 0
    diverged: dict[int, list[str]] = field(default_factory=dict)


def find_missing_work(
    tree: Tree,
    seeds: tuple[int, ...],
    names: StudyIds,
    store: Store,
    kept: frozenset[str],
    restore: bool = True,
    paths: Mapping[int, Collection[str]] | None = None,
) -> MissingWork:
    """What ``store`` lacks of the runs in ``tree``.

    Args:
        tree: the study's tree.
        seeds: the study's seeds.
        names: the names of states and readings.
        store: what is known.
        kept: the paths whose checkpoints stay.
        restore: train again what only a missing checkpoint needs.
        paths: of a part of the study, the states of each seed that belong to it, with all paths above them.
    """
    work = MissingWork()
    for seed in seeds if paths is None else paths:
        _Survey(tree, seed, names, store, kept, restore, paths).into(work)
    return work


class _Survey:
    """Looks at one seed: which states lack their record or a reading, and from where they can be reached."""

    def __init__(
        self,
        tree: Tree,
        seed: int,
        names: StudyIds,
        store: Store,
        kept: frozenset[str],
        restore: bool,
        paths: Mapping[int, Collection[str]] | None,
    ) -> None:
        self.tree, self.seed, self.names, self.store, self.kept = tree, seed, names, store, kept
        self.restore, self.paths = restore, paths
        self.records: dict[str, Mapping[str, Any]] = {}
        self.missing: dict[str, tuple[str, ...]] = {}
        self.stopped: list[str] = []
        self.compute: set[str] = set()

    def into(self, work: MissingWork) -> None:
        self._look()
        for path in self.missing:
            untrained = path not in self.records and path != ROOT
            wanted = self.missing[path] or (self.restore and self._keeps(path))
            if untrained or (wanted and not self._reachable(path)):
                self.compute.add(path)
        for path in list(self.compute):
            self._reach(path)
        work.diverged[self.seed] = self.stopped
        work.trained += sum(path not in self.records for path in self.compute)
        work.replayed += sum(path in self.records for path in self.compute)
        work.readings += sum(map(len, self.missing.values()))
        work.tasks += self._tasks()

    def _look(self) -> None:
        """Reads what is known of every state that a finite run reaches."""
        beyond: set[str] = set()
        for path in within(self.paths, self.seed, self.tree):
            node = self.tree.nodes[path]
            if node.parent in beyond:
                beyond.add(path)
                continue
            record = None if path == ROOT else self.store.read("epochs", self.names.state(self.seed, path))
            if record is not None:
                self.records[path] = record
                if record["status"] == "diverged":
                    beyond.add(path)
                    self.stopped.append(path)
                    continue
            self.missing[path] = tuple(
                measure
                for measure in scheduled_measures(self.names.base, node)
                if self.store.read("readings", self.names.reading(self.seed, path, measure)) is None
            )

    def _keeps(self, path: str) -> bool:
        """Whether the record of an epoch promises that its checkpoint stays."""
        return path in self.records and self.records[path].get("kept") is True

    def _reachable(self, path: str) -> bool:
        return path == ROOT or self.store.has_state(self.names.state(self.seed, path))

    def _reach(self, path: str) -> None:
        """Adds the epochs between ``path`` and the nearest state above it that can be loaded.

        None are needed where a place inside the epoch that leads to ``path`` is stored.
        """
        if self.store.has_state(self.names.state(self.seed, path), "inside"):
            return
        parent = self.tree.nodes[path].parent
        while parent is not None and parent not in self.compute and not self._reachable(parent):
            self.compute.add(parent)
            parent = self.tree.nodes[parent].parent

    def _tasks(self) -> list[Task]:
        left = self._epochs_below()
        tasks, begun = [], set()
        for path in self.tree.nodes:
            if path in self.compute and self._begins(path):
                start = self.tree.nodes[path].parent or ROOT
                tasks.append(self._task(start, self._sequence(path), left[path], start not in begun))
                begun.add(start)
        for path, measures in self.missing.items():
            if measures and path not in self.compute and path not in begun:
                tasks.append(self._task(path, [], 0, True))
        return tasks

    def _epochs_below(self) -> dict[str, int]:
        """For every epoch to compute, the longest way down from it that is to compute, itself counted."""
        left: dict[str, int] = {}
        for path in reversed(self.tree.nodes):
            if path in self.compute:
                below = (left.get(child, 0) for child in self.tree.nodes[path].children)
                left[path] = 1 + max(below, default=0)
        return left

    def _computed_children(self, path: str) -> list[str]:
        return [child for child in self.tree.nodes[path].children if child in self.compute]

    def _begins(self, path: str) -> bool:
        parent = self.tree.nodes[path].parent
        return parent is None or parent not in self.compute or len(self._computed_children(parent)) > 1

    def _sequence(self, path: str) -> list[str]:
        sequence = [path]
        while len(children := self._computed_children(sequence[-1])) == 1:
            sequence.append(children[0])
        return sequence

    def _task(self, start: str, sequence: list[str], priority: int, measures_start: bool) -> Task:
        steps = tuple(
            EpochTask(
                path,
                self.missing.get(path, ()),
                path in self.kept or self._keeps(path) or len(self._computed_children(path)) > 1,
                self.records[path]["train_loss"] if path in self.records else None,
            )
            for path in sequence
        )
        at_start = self.missing.get(start, ()) if measures_start and start not in self.compute else ()
        return Task(self.seed, start, at_start, steps, start in self.kept or self._keeps(start), priority)
