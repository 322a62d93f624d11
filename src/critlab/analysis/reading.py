"""From the store to the tidy table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from critlab.analysis.results import Results
from critlab.analysis.table import Outcome, Row
from critlab.engine.names import Names
from critlab.engine.study_record import StudyRecord, read_record
from critlab.errors import StudyError
from critlab.store import Store
from critlab.study.measurement import due
from critlab.study.run import Run
from critlab.study.study import Study
from critlab.study.tree import Tree, build

TRAINED = ("train_accuracy", "train_loss")
"""What an epoch's record says of its training; accuracy only where the objective named classes."""

Numbers = tuple[tuple[str, str, float, float], ...]
"""(quantity, layer, value, standard error) of one state, ordered."""


def read_results(study: Study, store: Store) -> Results:
    """Everything that ``store`` knows about ``study``; runs that are not done are there as far as they got.

    Raises:
        StudyError: the study was never run in this store.
    """
    record = read_record(store, study)
    if record is None:
        raise StudyError(
            f"{study.name}: nothing of it is in the store {store.root}; first: critlab run, with this --store"
        )
    reader = _Reader(study, record.names(study), store)
    outcomes, rows = [], []
    for run in study.runs:
        for seed in study.seeds:
            outcome, found = reader.run(run, seed)
            outcomes.append(outcome)
            rows += found
    return Results(study, tuple(rows), tuple(outcomes), _provenance(record, reader))


def _provenance(record: StudyRecord, reader: _Reader) -> dict[str, Any]:
    return {
        **record.provenance,
        "numerics": record.numerics.model_dump(),
        "data fingerprint": record.fingerprint,
        "epochs trained": reader.epochs,
        "seconds of training": round(reader.training_seconds, 1),
        "seconds of measuring": round(reader.measuring_seconds, 1),
    }


class _Reader:
    """Reads each state once, however many runs pass through it."""

    def __init__(self, study: Study, names: Names, store: Store) -> None:
        self.study, self.names, self.store = study, names, store
        self.tree: Tree = build(study)
        self.known: dict[tuple[int, str], tuple[Numbers, str, str, float]] = {}
        self.epochs, self.training_seconds, self.measuring_seconds = 0, 0.0, 0.0

    def run(self, run: Run, seed: int) -> tuple[Outcome, list[Row]]:
        rows: list[Row] = []
        status, note, epochs, spent = "done", "", 0, 0.0
        for path in self.tree.paths(run.name):
            numbers, status, note, seconds = self._state(seed, path)
            epoch = self.tree.nodes[path].epoch
            rows += self._rows(run, seed, epoch, numbers)
            if status not in ("done", "diverged"):
                break
            epochs, spent = epoch, spent + seconds
            if status == "diverged":
                break
        return Outcome(run, seed, status, epochs, note, spent), rows  # type: ignore[arg-type]

    def _rows(self, run: Run, seed: int, epoch: int, numbers: Numbers) -> Iterator[Row]:
        name, deficit = run.identifier(seed), run.suffered
        start, stop, clock = run.window.start, run.window.stop, run.clock
        for quantity, layer, value, stderr in numbers:
            yield Row(name, run.arm, seed, deficit, start, stop, clock, epoch, quantity, layer, value, stderr)

    def _state(self, seed: int, path: str) -> tuple[Numbers, str, str, float]:
        key = (seed, path)
        if key not in self.known:
            self.known[key] = self._read(seed, path)
        return self.known[key]

    def _read(self, seed: int, path: str) -> tuple[Numbers, str, str, float]:
        node, state = self.tree.nodes[path], self.names.state(seed, path)
        numbers: list[tuple[str, str, float, float]] = []
        seconds = 0.0
        if node.parent is not None:
            record = self.store.read("epochs", state)
            if record is None:
                failure = self.store.read("failures", state)
                return ((), "failed", failure["reason"], 0.0) if failure else ((), "missing", "", 0.0)
            seconds = record["seconds"]
            self.epochs, self.training_seconds = self.epochs + 1, self.training_seconds + seconds
            if record["status"] == "diverged":
                return (), "diverged", record["note"], seconds
            numbers += [(quantity, "", record[quantity], 0.0) for quantity in TRAINED if quantity in record]
        status = "done"
        for measure in due(self.study, node.epoch):
            body = self.store.read("readings", self.names.reading(seed, path, measure))
            if body is None:
                status = "missing"
                continue
            self.measuring_seconds += body["seconds"]
            numbers += [(r["quantity"], r["layer"], r["value"], r["stderr"]) for r in body["readings"]]
        return tuple(sorted(numbers, key=lambda number: number[:2])), status, "", seconds
