"""Training cells, each a time and a seed: one trunk a seed, and forks from its states."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property

import torch

from critlab._core.digest import digest
from critlab._core.errors import StoreError, StudyError
from critlab._core.text import say
from critlab._core.threads import threads
from critlab.analysis.timing.table import Cell
from critlab.engine.context import RunContext
from critlab.engine.executors.inline import InlineExecutor
from critlab.engine.interruption import interruptible
from critlab.engine.planning.retention import BUDGET_BYTES
from critlab.engine.progress import Display
from critlab.engine.records.adoption import settle
from critlab.engine.records.provenance import provenance
from critlab.engine.records.study_record import StudyRecord, enter, standing
from critlab.engine.run import work_off
from critlab.engine.study_run import StudyRun
from critlab.engine.tasks.events import Progress
from critlab.engine.tasks.missing_work import Task
from critlab.hooks.when.check import check_switch
from critlab.hooks.when.learner import SwitchLearner
from critlab.hooks.when.options import WhenOptions
from critlab.hooks.when.study import WhenStudy
from critlab.store import Store
from critlab.store.locks import writing
from critlab.study.ingredients.measurement import TEST
from critlab.study.runs.origin import Numerics
from critlab.study.runs.recipe import Recipe, recipes
from critlab.study.runs.tree import ROOT, Node, Tree

DEVICE = "the loop's own"

Metrics = Mapping[str, float]


@dataclass(frozen=True)
class _SeedRun(StudyRun):
    """The runs of one seed: all states stay if there is room, else those of the trunk, else those where forks begin.

    Args:
        candidates: times from which a fork may begin.
        seeds: of the study, which share the room.
    """

    candidates: frozenset[int] = frozenset()
    seeds: int = 1

    @cached_property
    def retained(self) -> frozenset[str]:
        """The paths whose checkpoints stay."""
        everything = frozenset(self.tree.nodes) - {ROOT}
        trunk = frozenset(self.tree.upwards(self.tree.ends[TRUNK])) - {ROOT}
        for paths in (everything, trunk):
            if self.checkpoint_bytes is not None and self.checkpoint_bytes * len(paths) * self.seeds <= BUDGET_BYTES:
                return paths
        forks = {path for path in trunk if self.tree.nodes[path].epoch in self.candidates}
        return frozenset(forks | {path for path in trunk if len(self.tree.nodes[path].children) > 1})


class _LoopExecutor(InlineExecutor):
    """The user's loop in the calling process, on its threads; errors of the user's functions pass through."""

    def threads(self) -> AbstractContextManager[None]:
        """As many as the user's loop has."""
        return nullcontext()

    def execute(self, task: Task) -> Iterator[Progress]:
        """Execute one task."""
        return self.worker.execute_or_raise(task, self.context.stopping)


class Cells:
    """Trains cells in a store, each once.

    Args:
        study: all times and seeds that may be tried.
        store: where results are.
        learner: the user's loop.
        options: of the call.

    Raises:
        StudyError: the store holds another study of that name.
    """

    def __init__(self, study: WhenStudy, store: Store, learner: SwitchLearner, options: WhenOptions) -> None:
        self.study, self.store, self.learner, self.options = study, store, learner, options
        self.total = study.sweep.shortest
        self.wanted: dict[int, set[int]] = {}
        found = standing(store, study)
        if not options.replace and (question := found.question(study, store)):
            raise StudyError(question.replace("critlab run --replace", "critlab.when(..., replace=True)"))
        fingerprint = digest("own data", study.data.identity())
        code = settle(study, store, found.record, fingerprint, Numerics())
        for remark in code.remarks:
            say(remark)
        count = torch.get_num_threads() if options.threads is None else options.threads
        made_by = {**provenance(), "device": DEVICE, "threads": f"{count}"}
        plain = study.model_dump(mode="json")
        self.record = StudyRecord(plain, fingerprint, Numerics(), made_by, code=code.recorded)
        self._state_bytes: int | None = None

    def train(self, cells: Iterable[Cell]) -> dict[Cell, Metrics]:
        """The metrics of ``cells``, trained where the store lacks them.

        Raises:
            StudyError: the functions are not what they should be, or a training diverged.
            StoreError: another program deletes files of the store, again and again.
            KeyboardInterrupt: a stop was requested; the same call goes on from there.
        """
        asked = list(cells)
        for time, seed in asked:
            self.wanted.setdefault(seed, set()).add(time)
        with writing(self.store.root, say) as locks, self._alone(locks), threads(self.options.threads):
            runs = {seed: self._run(seed) for seed in dict.fromkeys(seed for _, seed in asked)}
            if any(run.missing().tasks for run in runs.values()):
                size = self._prepare()
                runs = {seed: dataclasses.replace(run, checkpoint_bytes=size) for seed, run in runs.items()}
                self._work(runs)
        return {cell: self._metrics(runs[cell[1]], cell) for cell in asked}

    def _alone(self, locks: object) -> AbstractContextManager[None]:
        waited = getattr(locks, "waited", None)
        found: AbstractContextManager[None] = waited(f"when {self.study.name}") if waited else nullcontext()
        return found

    def _prepare(self) -> int:
        """Checks the loop and enters the study, before the first epoch of a call; gives the bytes of a state."""
        if self._state_bytes is None:
            if self.options.check:
                check_switch(self.learner, self.study.seeds[0], self.options.direction, self.total)
            enter(self.store, self.study, self.record, self.options.replace)
            packed = self.learner.pack(self.learner.start({"seed": self.study.seeds[0]}))
            # an optimiser's memory, up to twice the weights, comes with the first step
            self._state_bytes = 3 * sum(array.nbytes for array in packed.values())
        return self._state_bytes

    def _work(self, runs: Mapping[int, StudyRun]) -> None:
        missing = {seed: run.missing() for seed, run in runs.items()}
        epochs = sum(work.trained + work.replayed for work in missing.values())
        with interruptible() as interruption, Display(self.study.name, epochs) as display:
            for seed, run in runs.items():
                work = missing[seed]
                context = RunContext(run, DEVICE, lambda: self.learner)
                while work.tasks and not interruption.asked:
                    ending, _ = work_off(work, context, _LoopExecutor, display, interruption)
                    if ending.failures:
                        raise StoreError(ending.failures[0].reason)
                    work = run.missing()
            if interruption.asked:
                raise KeyboardInterrupt

    def _run(self, seed: int) -> StudyRun:
        """The trunk of a seed and the forks that were wanted so far."""
        study = self.study.model_copy(update={"seeds": (seed,)})
        ids, tree, times = self.record.ids(study), Tree(), self.wanted[seed]
        trunk, forks = self._recipes()
        last = max(times)
        for time in sorted(times):
            steps = trunk if time == self.total else [*trunk[:time], *forks[time:]]
            tree.add(_name(time), steps, ids.adopted, final=(self.total,))
        path = next(node.path for node in _along(tree, _name(last)) if node.epoch == last)
        tree.ends[TRUNK] = path
        return _SeedRun(
            study, ids, self.store, tree, candidates=frozenset(self.candidates), seeds=len(self.study.seeds)
        )

    @property
    def candidates(self) -> Sequence[int]:
        """Times from which a fork may begin."""
        return [time for time in self.study.sweep.points if isinstance(time, int) and time < self.total]

    def _recipes(self) -> tuple[list[Recipe], list[Recipe]]:
        """The recipes of the trunk and of a run that is flipped at the start."""
        clean = next(run for run in self.study.runs if run.clean)
        off = recipes(clean, self.study)
        on = [dataclasses.replace(one, deficit=self.study.deficit) for one in off]
        return (off, on) if self.options.direction == "on" else (on, off)

    def _metrics(self, run: StudyRun, cell: Cell) -> Metrics:
        time, seed = cell
        path = run.tree.ends[_name(time)]
        reading = self.store.read("readings", run.ids.reading(seed, path, TEST))
        if reading is not None:
            return {one["quantity"]: float(one["value"]) for one in reading["readings"]}
        records = (self.store.read("epochs", run.ids.state(seed, one)) for one in run.tree.paths(_name(time))[1:])
        note = next((one["note"] for one in records if one is not None and one["status"] == "diverged"), "")
        if not note:
            raise StoreError(f"when: seed {seed}, time {time}: its result has disappeared from the store; call again")
        if self.options.diverged is None:
            raise StudyError(
                f"when: seed {seed}, switch at epoch {time}: {note}; must be finite: return a finite number, give "
                "diverged= the value that counts for such a training, or leave that time out of times="
            )
        return dict.fromkeys([DIVERGED], self.options.diverged)


TRUNK = "trunk"
"""The name of the last state from which a fork begins, or the end of the run that is never flipped."""

DIVERGED = "diverged"
"""The only metric of a training that diverged; its value counts for every metric."""


def _name(time: int) -> str:
    return f"flipped-at-{time}"


def _along(tree: Tree, name: str) -> list[Node]:
    return [tree.nodes[path] for path in tree.paths(name)]
