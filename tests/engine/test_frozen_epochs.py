"""A frozen network comes out of the window as it went in, bit for bit, and costs nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from critlab.analysis.tables.reading import read_results
from critlab.data import load
from critlab.deficits import Blur
from critlab.engine.maintenance.verify import verify
from critlab.engine.planning.plan import plan
from critlab.engine.records.standing import read_record
from critlab.engine.records.study_ids import StudyIds
from critlab.store import Store
from critlab.study import Run, Study, removal_sweep, window_sweep
from critlab.study.ingredients.measurement import TEST, Measurement
from critlab.study.runs.recipe import recipes
from critlab.study.runs.tree import build
from critlab.training.learner import NetworkLearner
from inline import Inline
from studies import small

SHARED: dict[str, Any] = {"seeds": 1, "setup": small(measures={"weights": {"every": 2}})}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def removals() -> Study:
    return removal_sweep(Blur(factor=7), at=[0, 3], recovery=2, **SHARED)


def onsets() -> Study:
    return window_sweep(
        Blur(factor=7), onsets=[1, 3], length=2, total=7, **SHARED, controls={"at": [1, 3], "clocks": []}
    )


def frozen(study: Study) -> list[Run]:
    return [run for run in study.runs if run.frozen]


def by_hand(study: Study, run: Run, names: StudyIds) -> tuple[dict[str, Any], list[float]]:
    """The last state of a run and its test accuracies, trained from scratch without a store."""
    learner = NetworkLearner(study, load(study.data), names.numerics)
    state, found = learner.start(names.origin(0)), []
    for epoch, recipe in enumerate(recipes(run, study)):
        if epoch in run.window:
            continue  # nothing is called while the network is frozen
        learner.advance(state, recipe, epoch)
        found.append(learner.measure(state, Measurement(TEST, None, recipe))[0].value)
    return learner.pack(state), found


@pytest.mark.slow
@pytest.mark.parametrize("asked", [removals, onsets])
def test_a_frozen_run_equals_one_by_hand_bit_for_bit(tmp_path: Path, asked: Any) -> None:
    study, store = asked(), Store(tmp_path / "s")
    assert not Inline(study, store).run().failures
    record = read_record(store, study)
    assert record is not None
    names, tree, results = record.ids(study), build(study), read_results(study, store)
    assert frozen(study)
    for run in frozen(study):
        arrays, tested = by_hand(study, run, names)
        loaded = store.load_state(names.state(0, tree.ends[run.name]))
        assert loaded is not None
        learner = NetworkLearner(study, load(study.data), names.numerics)
        stored = learner.pack(learner.unpack(loaded))
        assert arrays.keys() == stored.keys()
        assert all(np.array_equal(arrays[name], stored[name]) for name in arrays)
        rows = results.by_run[run.identifier(0)]
        accuracies = [row.value for row in rows if row.quantity == "test_accuracy"]
        assert accuracies[-2:] == tested[-2:]
        epochs = {row.epoch for row in rows}
        assert not epochs & set(range(run.window.start + 1, run.window.stop + 1)), "frozen epochs have no rows"
        assert {row.deficit for row in rows} == {"frozen"}
        assert all(outcome.epochs == run.total for outcome in results.outcomes_of[run.name])
    assert not verify(store, study).wrong
    assert not verify(store).wrong


def test_frozen_epochs_are_counted_as_nothing(tmp_path: Path) -> None:
    study = removals()
    without = removal_sweep(Blur(factor=7), at=[0, 3], recovery=2, **SHARED, controls={"delay": False})
    found, other = (plan(one, Store(tmp_path / "s"), workers=1) for one in (study, without))
    assert (found.epochs_frozen, other.epochs_frozen) == (3, 0)
    assert found.epochs_with_sharing - other.epochs_with_sharing == 2
    assert found.epochs_without_sharing - other.epochs_without_sharing == 2
    assert found.runs - other.runs == 1


@pytest.mark.slow
def test_a_finished_study_trains_only_its_missing_controls(tmp_path: Path) -> None:
    before = removal_sweep(Blur(factor=7), at=[0, 3], recovery=2, **SHARED, controls={"delay": False, "clocks": []})
    study, store = removals(), Store(tmp_path / "s")
    assert not Inline(before, store).run().failures
    assert read_results(study, store).study == before, "until it is run, it is read as it was run"
    planned = plan(study, store, workers=1)
    assert planned.missing_controls == ("control-restarted-3-of-5", "blur-since_removal-0-3-of-5", "delay-0-3-of-5")
    assert planned.epochs_left == 1 + 3 * 2, "the clean run goes on for an epoch; three recoveries"
    report = Inline(study, store).run()
    assert report.trained == planned.epochs_left
    assert read_results(study, store).study == study
    assert plan(study, store, workers=1).missing_controls == ()
    empty = plan(study, Store(tmp_path / "none"), workers=1)
    assert empty.missing_controls == (), "a study that was never run lacks everything"
