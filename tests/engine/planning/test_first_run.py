"""A user's own code is tried once in a store: the study's record remembers what was tried."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import stateful_nets
from critlab._core.user_code.modules import refresh
from critlab.data import load
from critlab.engine.planning.first_run import rehearse_once
from critlab.engine.records.provenance import provenance
from critlab.engine.records.standing import enter, standing
from critlab.engine.records.study_record import StudyRecord
from critlab.store import Store
from critlab.study.runs.origin import Numerics
from critlab.study.study import Study
from critlab.training.network_training import NetworkTraining
from studies import small


def study_of(**changes: Any) -> Study:
    model = {"name": "stateful_nets:build", "kind": stateful_nets.HELD[0].__name__}
    return small(**{"seeds": 1, "model": model, "measures": {}, **changes})


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the studies that were rehearsed."""
    found: list[str] = []
    monkeypatch.setattr(NetworkTraining, "check_resume", lambda self, study, *rest: found.append(study.name))
    return found


def begun(study: Study, store: Store) -> None:
    """What ``run`` does of it, up to the first epoch."""
    refresh()
    images, record = load(study.data), standing(store, study).record
    rehearsed = rehearse_once(study, store, record, images, Numerics(), "cpu")
    made_by = {**provenance(), "device": "cpu"}
    entered = StudyRecord(study.model_dump(mode="json"), images.fingerprint, Numerics(), made_by)
    enter(store, study, replace(entered, rehearsed=rehearsed))


def test_a_run_that_is_repeated_with_work_left_does_not_try_the_code_again(tmp_path: Path, tried: list[str]) -> None:
    store = Store(tmp_path / "store")
    for _ in range(3):
        begun(study_of(name="one"), store)
    assert tried == ["one"]
    begun(study_of(name="two", seeds=2), store)
    assert tried == ["one"], "the same model, trained in the same way"


def test_other_code_is_tried_and_so_is_another_way_to_train_it(
    tmp_path: Path, tried: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path / "store")
    begun(study_of(name="one"), store)
    begun(study_of(name="adam", optimizer={"name": "adam", "lr": 0.05, "batch": 40}), store)
    begun(study_of(name="options", model={"name": "stateful_nets:build", "kind": "Tied"}), store)
    assert tried == ["one", "adam", "options"]
    module = tmp_path / "edited_model.py"
    monkeypatch.syspath_prepend(tmp_path)
    text = (
        "from torch import nn\n\n\ndef build(shape, classes):\n    return nn.Sequential(nn.Flatten(), nn.Linear({}))\n"
    )
    for line in ("784, classes", "784, classes, bias=False"):
        module.write_text(text.format(line))
        monkeypatch.delitem(sys.modules, "edited_model", raising=False)
        begun(study_of(name=f"own{len(tried)}", model={"name": "edited_model:build"}), store)
    assert len(tried) == 5, "an edit is other code"


def test_built_in_models_are_not_tried(tmp_path: Path, tried: list[str]) -> None:
    begun(small(seeds=1, measures={}), Store(tmp_path / "store"))
    assert tried == []
