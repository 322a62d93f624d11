"""Sparse tests in a store: what is due, what is kept of single images, and what an earlier store goes on to hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from critlab.analysis.tables.reading import read_results
from critlab.analysis.test_images import image_sample
from critlab.engine.maintenance.gc import collect
from critlab.engine.maintenance.verify import verify
from critlab.store import Store
from critlab.study.ingredients.measurement import TEST
from critlab.study.runs.tree import ROOT
from critlab.study.study import Study
from inline import Inline, table
from studies import small


def study(every: int, final: int = 1, **changes: Any) -> Study:
    sweep = {"kind": "removal", "at": [0, 2], "recovery": 4}
    parts = {"measures": {}, "statistics": {"final_epochs": final}, "evaluation": {"every": every}}
    return small(**{"sweep": sweep, **parts, **changes})


def read(engine: Inline, seed: int, path: str) -> dict[str, Any] | None:
    return engine.store.read("readings", engine.names.reading(seed, path, TEST))


def bits(engine: Inline) -> set[str]:
    """The paths whose tests say which images are correct."""
    found = set()
    for path in engine.tree.nodes:
        body = None if path == ROOT else read(engine, 0, path)
        if body is not None and any("correct" in one for one in body["readings"]):
            found.add(path)
    return found


def test_tests_are_sparse_and_bits_are_kept_where_they_count(tmp_path: Path) -> None:
    engine = Inline(study(100, 2), Store(tmp_path / "s"))
    planned = engine.survey()
    engine.run()
    ends = {path for run in engine.study.runs for path in engine.tree.paths(run.name)[-2:]}
    assert bits(engine) == ends
    control = min((run for run in engine.study.runs if run.role == "control"), key=lambda run: run.total)
    start = engine.tree.paths(control.name)[3]
    tested = {path for path in engine.tree.nodes if path != ROOT and read(engine, 0, path) is not None}
    assert tested == ends | {start}
    assert planned.readings == 2 * len(tested)
    results = read_results(engine.study, engine.store)
    assert {outcome.status for outcome in results.outcomes} == {"done"}
    run = next(run for run in results.study.runs if run.role == "deficit")
    sample = image_sample(results, ((1, run.controls[0].control), (-1, run.name)))
    assert sample is not None
    assert (sample.images, sample.seeds) == (60, 2)
    for (name, epoch), correct in results.correct.items():
        row = next(r for r in results.by_run[name] if (r.epoch, r.quantity) == (epoch, "test_accuracy"))
        assert row.value == pytest.approx(correct.shares().mean(), abs=1e-12)
    assert not verify(engine.store).wrong
    assert verify(engine.store).missing_readings == 0
    assert not collect(engine.store).places


def test_a_state_trained_again_gives_the_same_bits(tmp_path: Path) -> None:
    """A test that is lost is taken again from the state; bit for bit, as the accuracy is."""
    engine = Inline(study(100), Store(tmp_path / "s"))
    engine.run()
    path = engine.tree.ends[engine.study.runs[0].name]
    before = read(engine, 1, path)
    engine.store.remove("readings", engine.names.reading(1, path, TEST))
    assert [len(task.at_start) for task in engine.survey().tasks] == [1]
    engine.run()
    after = read(engine, 1, path)
    assert before is not None
    assert after is not None
    assert before["readings"] == after["readings"]


@pytest.mark.slow
def test_denser_tests_add_tests_and_sparser_ones_take_none_away(tmp_path: Path) -> None:
    store = Store(tmp_path / "s")
    Inline(study(100), store).run()
    sparse = table(study(100), store)
    dense = Inline(study(1), store)
    assert dense.survey().trained == 0
    assert dense.survey().readings > 0
    dense.run()
    whole = table(study(1), store)
    assert set(sparse.splitlines()) < set(whole.splitlines())
    again = Inline(study(100), store)
    assert not again.survey().tasks
    assert table(study(100), store) == whole, "every test that the store has is shown"
    for named in ((), (study(100),)):
        assert {place.kind for place in collect(store, named).places} <= {"studies"}, "a test that is there stays"
    assert table(study(100), store) == whole


@pytest.mark.slow
def test_an_old_store_lacks_bits_and_nothing_else(tmp_path: Path) -> None:
    """Records of earlier versions say nothing of single images: no test is repeated, the images' part is unknown."""
    store = Store(tmp_path / "s")
    engine = Inline(study(1), store)
    engine.run()
    for name in list(store.names("readings")):
        body = store.read("readings", name)
        assert body is not None
        plain = [{key: value for key, value in one.items() if key != "correct"} for one in body["readings"]]
        store.write("readings", name, {**body, "readings": plain})
    before = table(study(1), store)
    newer = Inline(study(100), store)
    assert not newer.survey().tasks
    assert not verify(store).wrong
    assert table(study(100), store) == before
    results = read_results(study(100), store)
    run = next(run for run in results.study.runs if run.role == "deficit")
    assert image_sample(results, ((1, run.controls[0].control), (-1, run.name))) is None


@pytest.mark.slow
def test_a_point_more_adds_the_tests_that_count_for_it(tmp_path: Path) -> None:
    """A run that is added ends where others passed untested: its final epochs are tested from the stored states."""
    store = Store(tmp_path / "s")
    window = {"kind": "window", "onsets": [6], "length": 1, "recovery": 3}
    Inline(study(100, sweep=window), store).run()
    earlier = {**window, "onsets": [0, 6]}
    more = Inline(study(100, sweep=earlier), store)
    more.run()
    results = read_results(more.study, store)
    assert {outcome.status for outcome in results.outcomes} == {"done"}
    assert len(results.final_scores) == len(results.outcomes)
