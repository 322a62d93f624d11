"""How far a study is: what became of each run, and why it is not further."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any, Literal

from critlab.analysis.judgement.mixture import Mixture, mixture
from critlab.analysis.tables.reading import results_of
from critlab.analysis.tables.table import Outcome
from critlab.engine.records.standing import read_record
from critlab.engine.study_run import StudyRun
from critlab.store import Store
from critlab.store.disk.locks import Locks
from critlab.store.store import Kind
from critlab.study.runs.stages import Look
from critlab.study.runs.tree import Tree, build
from critlab.study.study import Study
from critlab.study.types import Place

State = Literal["done", "running", "diverged", "failed", "interrupted", "blocked", "waiting"]


@dataclass(frozen=True)
class RunProgress:
    """What became of one run.

    Args:
        name: of run and seed.
        state: ``running`` where a process is at its next epoch; ``failed`` where its next epoch broke; ``blocked``
            where that epoch is shared with a run that failed; ``interrupted`` where it was begun and no
            process works on it;
            ``waiting`` where it was not begun.
        epochs: those that are done.
        total: all of them.
        note: why it is not further, where there is more to say.
    """

    name: str
    state: State
    epochs: int
    total: int
    note: str


@dataclass(frozen=True)
class Growth:
    """Which seeds and points of a study are in play, of those that may be added.

    Args:
        seeds: how many are in play.
        most_seeds: how many there may be; None where the study fixes them.
        points: of the sweep, in play.
        most_points: how many there may be; None where the study fixes them.
        looks: those made so far, in order.
    """

    seeds: int
    most_seeds: int | None
    points: tuple[Place, ...]
    most_points: int | None
    looks: tuple[Look, ...]

    def document(self) -> dict[str, Any]:
        """The JSON values."""
        looks = [{**look._asdict(), "seeds": len(look.seeds)} for look in self.looks]
        return {**asdict(self), "looks": looks}


@dataclass(frozen=True)
class StudyProgress:
    """What became of a study's runs so far.

    Args:
        study: its name.
        runs: every run and seed; empty where the study was never run.
        epochs: epochs that the study needs, each once.
        epochs_left: those that the store lacks.
        quarantined: files that failed their check and were put aside.
        mixture: what each arm was made on where that is more than one kind of machine or version of torch.
        growth: which seeds and points are in play; None where the study fixes them.
    """

    study: str
    runs: tuple[RunProgress, ...]
    epochs: int
    epochs_left: int
    quarantined: tuple[str, ...]
    mixture: Mixture | None = None
    growth: Growth | None = None

    @property
    def counts(self) -> dict[str, int]:
        """How many runs are in each state."""
        return dict(Counter(run.state for run in self.runs))

    def document(self, command: str) -> dict[str, Any]:
        """The progress as one JSON document; ``command`` goes on with the study, and tries again what failed."""
        return {
            "schema_version": 1,
            "study": self.study,
            "epochs": self.epochs,
            "epochs_left": self.epochs_left,
            "counts": self.counts,
            "quarantined": list(self.quarantined),
            "command": command,
            "mixture": asdict(self.mixture) if self.mixture else None,
            **({"growth": self.growth.document()} if self.growth else {}),
            "runs": [
                {"run": run.name, "status": run.state, "epochs": run.epochs, "of": run.total, "note": run.note}
                for run in self.runs
            ],
        }


def progress(study: Study, store: Store) -> StudyProgress:
    """How far ``study`` is in ``store``; torch-free."""
    record, once = read_record(store, study), _ReadOnce(store)
    run = None if record is None else record.run(study, once)
    everything = (build(study) if run is None else run.tree).epochs * len(study.seeds)
    if record is None or run is None:
        aside, growth = tuple(store.quarantined()), _growth(study, ())
        return StudyProgress(study.name, (), everything, everything, aside, growth=growth)
    results = results_of(study, record, once)
    runs = _Runs(run, results.outcomes).progress()
    aside = tuple(store.quarantined())
    growth = _growth(study, results.looks)
    return StudyProgress(study.name, runs, everything, run.missing().trained, aside, mixture(results), growth)


class _ReadOnce(Store):
    """Reads each record once; of what was read it keeps what :func:`find_missing_work` asks of it afterwards.

    That is whether a reading is there, and of an epoch how it ended, its loss, and whether its state was kept.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store.root)
        self._known: dict[str, dict[str, Any] | None] = {}

    def read(self, kind: Kind, name: str) -> dict[str, Any] | None:
        """See :meth:`critlab.store.Store.read`; what was read before is cut down."""
        if kind not in ("epochs", "readings"):
            return super().read(kind, name)
        if name not in self._known:
            body = super().read(kind, name)
            self._known[name] = body and {key: body[key] for key in ("status", "train_loss", "kept") if key in body}
            return body
        return self._known[name]


def _growth(study: Study, looks: tuple[Look, ...]) -> Growth | None:
    plan, adaptive = study.sequential, study.sweep.adaptive
    if plan is None and adaptive is None:
        return None
    most = plan.most if plan else None
    own = study.sweep.own_points(study.sweep.points)
    return Growth(len(study.seeds), most, own, adaptive.most if adaptive else None, looks)


def _after(tree: Tree, outcome: Outcome) -> str:
    """The path of the first state of a run that is not there."""
    return next(path for path in tree.paths(outcome.run.name) if tree.nodes[path].epoch > outcome.epochs)


class _Runs:
    """Why each unfinished run is not done: a process works on it, it failed, or neither."""

    def __init__(self, run: StudyRun, outcomes: tuple[Outcome, ...]) -> None:
        self.store, self.outcomes = run.store, outcomes
        self.next = {
            outcome.name: run.ids.state(outcome.seed, _after(run.tree, outcome))
            for outcome in outcomes
            if outcome.status in ("missing", "failed")
        }
        self.held = Locks(run.store.root).held(self.next.values())
        self.first_failed: dict[str, str] = {}

    def progress(self) -> tuple[RunProgress, ...]:
        return tuple(self._run(outcome) for outcome in self.outcomes)

    def _run(self, outcome: Outcome) -> RunProgress:
        state, note = self._state(outcome)
        return RunProgress(outcome.name, state, outcome.epochs, outcome.run.total, note)

    def _state(self, outcome: Outcome) -> tuple[State, str]:
        if outcome.status in ("done", "diverged"):
            return ("done" if outcome.status == "done" else "diverged"), outcome.note
        following = self.next[outcome.name]
        if following in self.held:
            return "running", ""
        if outcome.status == "failed":
            first = self.first_failed.setdefault(following, outcome.name)
            if first == outcome.name:
                return "failed", outcome.note
            return "blocked", f"epoch {outcome.epochs + 1} is shared with {first}, which failed there"
        begun = outcome.epochs > 0 or self.store.has_state(following, "inside")
        return ("interrupted" if begun else "waiting"), ""
