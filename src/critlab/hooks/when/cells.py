"""Training cells, each a time and a seed: one trunk a seed, and forks from its states."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch

from critlab._core.digest import digest
from critlab._core.errors import StoreError, StudyError
from critlab._core.terminal.text import say
from critlab._core.threads import threads
from critlab.analysis.timing.table import Cell
from critlab.engine.context import RunContext, RunOptions
from critlab.engine.planning.retention import BUDGET_BYTES
from critlab.engine.records.adoption import settle
from critlab.engine.records.provenance import provenance
from critlab.engine.records.standing import enter, standing
from critlab.engine.records.study_record import StudyRecord
from critlab.engine.study_run import StudyRun
from critlab.engine.tasks.missing_work import MissingWork
from critlab.hooks.own_loop.given import GivenLoop
from critlab.hooks.own_loop.means import DEVICE
from critlab.hooks.own_loop.processes.work import train_missing
from critlab.hooks.when.check import check_switch
from critlab.hooks.when.elsewhere import when_source
from critlab.hooks.when.learner import SwitchLearner, SwitchLoop
from critlab.hooks.when.options import WhenOptions
from critlab.hooks.when.study import WhenStudy, flip_name, when_tree
from critlab.store import Store
from critlab.store.disk.locks import Locks, writing
from critlab.study.ingredients.measurement import TEST
from critlab.study.runs.origin import Numerics
from critlab.study.runs.tree import ROOT

Metrics = Mapping[str, float]


@dataclass(frozen=True)
class _CellsRun(StudyRun):
    """The runs that were wanted so far: all states stay if there is room, else the trunk, else those where forks begin.

    Args:
        wanted: the paths of each seed.
        candidates: times from which a fork may begin.
    """

    wanted: Mapping[int, frozenset[str]] = field(default_factory=dict)
    candidates: frozenset[int] = frozenset()

    @cached_property
    def paths(self) -> Mapping[int, Collection[str]] | None:
        """The paths of each seed that were wanted so far."""
        return self.wanted

    @cached_property
    def retained(self) -> frozenset[str]:
        """The paths whose checkpoints stay."""
        everything = frozenset(self.tree.nodes) - {ROOT}
        trunk = self._trunk()
        for paths in (everything, trunk):
            if self.checkpoint_bytes is not None and self._bytes(paths, self.checkpoint_bytes) <= BUDGET_BYTES:
                return paths
        forks = {path for path in trunk if self.tree.nodes[path].epoch in self.candidates}
        return frozenset(forks | {path for path in trunk if len(self.tree.nodes[path].children) > 1})

    def _bytes(self, paths: frozenset[str], size: int) -> int:
        """What the states at ``paths`` take, if all seeds want as many of them as the one that wants most."""
        most = max((len(paths & wanted) for wanted in self.wanted.values()), default=0)
        return most * size * len(self.study.seeds)

    def _trunk(self) -> frozenset[str]:
        """The states from which a fork may begin, up to the last of them, or to the end of the run without a flip."""
        never = self.tree.ends.get(flip_name(self.study.sweep.shortest))
        forks = [path for path, node in self.tree.nodes.items() if len(node.children) > 1 or path == never]
        return frozenset(above for path in forks for above in self.tree.upwards(path)) - {ROOT}


class Cells:
    """Trains cells in a store, each once.

    Args:
        study: all times and seeds that may be tried.
        store: where results are.
        loop: the user's.
        options: of the call.
        metric: the name of the number that ``evaluate`` returns, where it is one.

    Raises:
        StudyError: the store holds another study of that name.
    """

    def __init__(self, study: WhenStudy, store: Store, loop: GivenLoop, options: WhenOptions, metric: str) -> None:
        self.study, self.store, self.loop, self.options = study, store, loop, options
        self.learner = SwitchLearner(SwitchLoop(**loop.functions), metric)
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
        made_by = {**provenance(), "device": loop.device or DEVICE, "threads": f"{count}"}
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
        with writing(self.store.root, say) as locks, threads(self.options.threads):
            run = self._run({seed for _, seed in asked})
            if run.missing().tasks:
                run = replace(run, checkpoint_bytes=self._prepare(locks))
                if self._work(run, run.missing(), locks):
                    raise KeyboardInterrupt
        return {cell: self._metrics(run, cell) for cell in asked}

    def _prepare(self, locks: Locks | None) -> int:
        """Checks the loop and enters the study, before the first epoch of a call; gives the bytes of a state."""
        if self._state_bytes is None:
            if self.options.check:
                check_switch(self.learner, self.study.seeds[0], self.options.direction, self.total)
            with locks.waited(f"study {self.study.name}") if locks else nullcontext():
                enter(self.store, self.study, self.record, self.options.replace)
            packed = self.learner.pack(self.learner.start({"seed": self.study.seeds[0]}))
            # an optimiser's memory, up to twice the weights, comes with the first step
            self._state_bytes = 3 * sum(array.nbytes for array in packed.values())
        return self._state_bytes

    def _work(self, run: StudyRun, work: MissingWork, locks: Locks | None) -> bool:
        options = self.options
        means = RunOptions(workers=options.workers, executor=options.executor or "processes")
        source, device = when_source(self.loop, options, self._times(), self.learner.metric), self.loop.device or DEVICE
        context = RunContext(run, device, lambda: self.learner, None, locks, means, source=source)
        return train_missing(work, context, options.executor_of(self.loop, "when"), "when")

    def _run(self, seeds: Collection[int]) -> _CellsRun:
        """The trunks of these seeds, and the forks that were wanted of them so far."""
        ids, times = self.record.ids(self.study), self._times()
        tree = when_tree(self.study, ids.adopted, times)
        ways = {time: tree.paths(flip_name(time)) for time in times}
        wanted = {
            seed: frozenset(path for time in chosen for path in ways[time])
            for seed, chosen in self.wanted.items()
            if seed in seeds
        }
        candidates = frozenset(self.candidates)
        return _CellsRun(self.study, ids, self.store, tree, wanted=wanted, candidates=candidates)

    def _times(self) -> set[int]:
        return {time for times in self.wanted.values() for time in times}

    @property
    def candidates(self) -> Sequence[int]:
        """Times from which a fork may begin."""
        return [time for time in self.study.sweep.points if isinstance(time, int) and time < self.total]

    def _metrics(self, run: StudyRun, cell: Cell) -> Metrics:
        time, seed = cell
        path = run.tree.ends[flip_name(time)]
        reading = self.store.read("readings", run.ids.reading(seed, path, TEST))
        if reading is not None:
            return {one["quantity"]: float(one["value"]) for one in reading["readings"]}
        records = (self.store.read("epochs", run.ids.state(seed, one)) for one in run.tree.paths(flip_name(time))[1:])
        note = next((one["note"] for one in records if one is not None and one["status"] == "diverged"), "")
        if not note:
            raise StoreError(f"when: seed {seed}, time {time}: its result has disappeared from the store; call again")
        if self.options.diverged is None:
            raise StudyError(
                f"when: seed {seed}, switch at epoch {time}: {note}; must be finite: return a finite number, give "
                "diverged= the value that counts for such a training, or leave that time out of times="
            )
        return dict.fromkeys([DIVERGED], self.options.diverged)


DIVERGED = "diverged"
"""The only metric of a training that diverged; its value counts for every metric."""
