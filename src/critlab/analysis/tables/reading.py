"""From the store to the tidy table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from critlab._core.errors import StudyError
from critlab.analysis.tables.results import Results
from critlab.analysis.tables.study_table import PicturePlace
from critlab.analysis.tables.table import Outcome, Row, Status
from critlab.engine.records.command_record import read_commands
from critlab.engine.records.examples_record import read_examples
from critlab.engine.records.look_record import read_looks
from critlab.engine.records.makers import Maker, maker
from critlab.engine.records.standing import read_record
from critlab.engine.records.study_record import StudyRecord
from critlab.engine.study_run import StudyRun
from critlab.measures.correct_images import CorrectImages
from critlab.measures.picture import Picture
from critlab.store import Store
from critlab.study.default_controls import as_recorded
from critlab.study.ingredients.measurement import TEST, scheduled_measures
from critlab.study.runs.run import Run
from critlab.study.runs.tree import Node
from critlab.study.study import Study

TRAINED = "train_"
"""How the quantities begin that an epoch's record says of its training: its loss and the task's metrics."""

Number = tuple[str, str, float, float]
"""Quantity, layer, value, standard error."""


class _Known(NamedTuple):
    """What is known of one state.

    Args:
        status: of the epoch that led to it and of its readings.
        note: why, where it is not done.
        seconds: what the epoch cost.
        numbers: what was measured.
        pictures: by quantity and layer.
        correct: which test images were classified correctly; None where it is not recorded.
        moved: how far the weights moved in the epoch; None where its record does not say.
        makers: on what its records were made, one each.
    """

    status: Status
    note: str = ""
    seconds: float = 0.0
    numbers: tuple[Number, ...] = ()
    pictures: Mapping[tuple[str, str], Picture] = {}
    correct: CorrectImages | None = None
    moved: float | None = None
    makers: tuple[Maker, ...] = ()


def read_results(study: Study, store: Store) -> Results:
    """Everything that ``store`` knows about ``study``; runs that are not done are there as far as they got.

    Default controls with which the study was not run yet are left out, so a table stays as it is until then.

    Raises:
        StudyError: the study was never run in this store.
    """
    record = read_record(store, study)
    if record is None:
        raise StudyError(
            f"{study.name}: no results in the store {store.root}; run the study first: critlab run STUDY --store "
            f"{store.root}"
        )
    return results_of(as_recorded(study, record.study), record, store)


def results_of(study: Study, record: StudyRecord, store: Store) -> Results:
    """Everything that ``store`` knows about ``study``, whose numbers are computed as ``record`` says."""
    reader = _Reader(record.run(study, store))
    outcomes, rows = [], []
    for run in study.runs:
        for seed in study.seeds:
            outcome, found = reader.run(run, seed)
            outcomes.append(outcome)
            rows += found
    return Results(
        study,
        tuple(rows),
        tuple(outcomes),
        _provenance(record, reader),
        reader.pictures,
        record.chance if record.constants is None else record.constants.get(study.metric.name),
        reader.makers,
        reader.correct,
        read_looks(store, study, reader.ids),
        read_commands(store, study, reader.ids),
        read_examples(store, study, record.fingerprint),
    )


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

    def __init__(self, run: StudyRun) -> None:
        self.study, self.ids, self.store, self.tree = run.study, run.ids, run.store, run.tree
        self.known: dict[tuple[int, str], _Known] = {}
        self.pictures: dict[PicturePlace, Picture] = {}
        self.makers: dict[str, Counter[Maker]] = {}
        self.correct: dict[tuple[str, int], CorrectImages] = {}
        self.epochs, self.training_seconds, self.measuring_seconds = 0, 0.0, 0.0

    def run(self, run: Run, seed: int) -> tuple[Outcome, list[Row]]:
        rows: list[Row] = []
        makers = self.makers[run.identifier(seed)] = Counter()
        known, epochs, spent = _Known("done"), 0, 0.0
        way: float | None = 0.0
        for path in self.tree.paths(run.name):
            known, node = self._state(seed, path), self.tree.nodes[path]
            epoch = node.epoch
            makers.update(known.makers)
            if epoch > 0:
                way = None if way is None or known.moved is None else way + known.moved
            path_length = [("weight_path", "", way, 0.0)] if way is not None and self._shows_path(node) else []
            rows += self._rows(run, seed, epoch, sorted([*known.numbers, *path_length]))
            for (quantity, layer), picture in known.pictures.items():
                self.pictures[run.identifier(seed), epoch, quantity, layer] = picture
            if known.correct is not None:
                self.correct[run.identifier(seed), epoch] = known.correct
            if known.status not in ("done", "diverged"):
                break
            epochs, spent = epoch, spent + known.seconds
            if known.status == "diverged":
                break
        return Outcome(run, seed, known.status, epochs, known.note, spent), rows

    def _shows_path(self, node: Node) -> bool:
        return "weights" in scheduled_measures(self.study, node)

    def _rows(self, run: Run, seed: int, epoch: int, numbers: Iterable[Number]) -> Iterator[Row]:
        name, deficit = run.identifier(seed), run.treatment_label
        start, stop, clock = run.window.start, run.window.stop, run.clock
        for quantity, layer, value, stderr in numbers:
            yield Row(name, run.arm, seed, deficit, start, stop, clock, epoch, quantity, layer, value, stderr)

    def _state(self, seed: int, path: str) -> _Known:
        key = (seed, path)
        if key not in self.known:
            self.known[key] = self._read(seed, path)
        return self.known[key]

    def _read(self, seed: int, path: str) -> _Known:
        node, state = self.tree.nodes[path], self.ids.state(seed, path)
        record: Mapping[str, Any] = {}
        if node.parent is not None:
            found = self.store.read("epochs", state)
            if found is None:
                failure = self.store.read("failures", state)
                return _Known("failed", failure["reason"]) if failure else _Known("missing")
            record = found
            self.epochs, self.training_seconds = self.epochs + 1, self.training_seconds + record["seconds"]
            if record["status"] == "diverged":
                return _Known("diverged", record["note"], record["seconds"], makers=_makers(record))
        numbers: list[Number] = [(name, "", value, 0.0) for name, value in record.items() if name.startswith(TRAINED)]
        pictures: dict[tuple[str, str], Picture] = {}
        correct: CorrectImages | None = None
        status: Status = "done"
        makers = _makers(record)
        due = tuple(scheduled_measures(self.study, node))
        # a test that was taken although none is due is shown too: earlier versions tested after every epoch
        for measure in due if node.parent is None or TEST in due else (TEST, *due):
            body = self.store.read("readings", self.ids.reading(seed, path, measure))
            if body is None:
                status = "missing" if measure in due else status
                continue
            self.measuring_seconds += body["seconds"]
            makers += _makers(body)
            for r in body["readings"]:
                numbers.append((r["quantity"], r["layer"], r["value"], r["stderr"]))
                if r["quantity"] == "test_accuracy" and r.get("correct") is not None:
                    correct = CorrectImages.read(r["correct"])
                if r.get("picture") is not None:
                    pictures[r["quantity"], r["layer"]] = Picture.read(r["picture"])
        moved = record.get("weight_displacement")
        return _Known(status, "", record.get("seconds", 0.0), tuple(numbers), pictures, correct, moved, makers)


def _makers(body: Mapping[str, Any]) -> tuple[Maker, ...]:
    found = maker(body)
    return () if found is None else (found,)
