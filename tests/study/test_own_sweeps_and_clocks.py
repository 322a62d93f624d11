"""A sweep and a clock of a user's own are one class each, and no other file knows them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import critlab
from critlab._core.errors import StudyError
from critlab.report.page import page
from critlab.study import Study
from critlab.study.runs.recipe import recipes
from studies import small

SWEEP: dict[str, Any] = {"kind": "toys_of_study:Doubling", "lengths": (1, 2), "recovery": 2}


@pytest.mark.slow
def test_a_study_runs_with_a_sweep_and_a_clock_of_ones_own(tmp_path: Path) -> None:
    optimizer = {"name": "sgd", "lr": 0.05, "batch": 50, "clock": "toys_of_study:Halving"}
    study = small(seeds=1, measures={}, optimizer=optimizer, sweep=SWEEP)
    assert Study.read(study.model_dump(mode="json"), "again") == study
    deprived = [run for run in study.runs if run.deficit is not None]
    assert [(run.window.stop, run.total) for run in deprived] == [(1, 3), (2, 4)]
    assert [recipe.lr for recipe in recipes(deprived[1], study)] == [0.05, 0.025, 0.05, 0.025]
    results = critlab.run(study, tmp_path / "store", engine="inline", device="cpu", precision="float32")
    assert [point.at for point in results.curve().points] == [1, 2]
    text = page([results])
    assert "Length of the deficit" in text
    assert "How long may" in text


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("sweep", {**SWEEP, "kind": "toys_of_study:Doublin"}, "sweep.kind: .*did you mean 'Doubling'"),
        ("sweep", {**SWEEP, "kind": "toys_of_study:Halving"}, "sweep.kind: .*must be a subclass of critlab"),
        ("sweep", {**SWEEP, "lengths": "x"}, "sweep.lengths: "),
        ("optimizer", {"name": "sgd", "lr": 0.05, "clock": "toys_of_study:Doubling"}, "optimizer.clock: .*subclass"),
        ("optimizer", {"name": "sgd", "lr": 0.05, "clock": "halving"}, "optimizer.clock: .*allowed: absolute"),
    ],
)
def test_what_is_no_sweep_or_clock_is_named(field: str, value: object, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        small(**{field: value})
