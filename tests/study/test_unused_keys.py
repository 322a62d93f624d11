"""Keys that a study was given and does not use: said before training, or refused where no study could have them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import critlab
from critlab._core.errors import StudyError
from critlab.engine.context import RunOptions
from critlab.engine.records.standing import write_record
from critlab.engine.records.study_record import StudyRecord
from critlab.engine.run import run_study
from critlab.report.text.figures.optimisation import schedule_words
from critlab.store import Store
from critlab.study import Study
from critlab.study.remarks import unused_remarks
from critlab.study.runs.missing_contrasts import missing_contrasts
from critlab.study.runs.origin import Numerics
from studies import small

DEFAULT: dict[str, Any] = {"delay": True, "clocks": None}


def trained(**optimizer: Any) -> dict[str, Any]:
    return {"name": "sgd", "lr": 0.05, "batch": 40, **optimizer}


@pytest.mark.parametrize("clock", [{"clock": "constant"}, {"clock": "wsd", "decay": 1}])
def test_a_decay_that_the_clock_does_not_use_is_said(clock: dict[str, Any], tmp_path: Path) -> None:
    study = small(optimizer=trained(lr_decay=0.9, **clock))
    said = f"optimizer.lr_decay: received 0.9, but clock {clock['clock']!r} does not use it; omit it"
    assert unused_remarks(study) == [said]
    assert said in critlab.plan(study, tmp_path / "s").remarks
    assert unused_remarks(small(optimizer=trained(**clock))) == []
    by_a_control = small(optimizer=trained(lr_decay=0.9, **clock), controls={"clocks": ["cosine_restart"]})
    assert unused_remarks(by_a_control) == [], "a control's clock uses it"
    assert unused_remarks(small()) == []
    assert "decay 0.9" not in schedule_words(study.optimizer), "no table says that the rate falls by it"
    assert "lr decay 0.9" in schedule_words(small().optimizer)


@pytest.mark.parametrize(
    ("optimizer", "said"),
    [
        (trained(momentum=0.0, dampening=0.5), "optimizer.dampening: received 0.5, which does nothing without a mom"),
        (
            {**trained(), "name": "nadam", "decoupled_weight_decay": True},
            "optimizer.decoupled_weight_decay: received True, which does nothing without a weight_decay above 0",
        ),
    ],
)
def test_an_option_of_an_optimiser_that_does_nothing_is_said(optimizer: dict[str, Any], said: str) -> None:
    (found,) = unused_remarks(small(optimizer=optimizer))
    assert found.startswith(said)


def test_weight_decay_in_the_window_alone_uses_its_option() -> None:
    optimizer = {**trained(), "name": "radam", "decoupled_weight_decay": True}
    assert unused_remarks(small(optimizer=optimizer, switch={"weight_decay": 0.1})) == []


@pytest.mark.parametrize(
    ("key", "value", "clock"),
    [
        ("gamma", 0.1, "step"),
        ("power", 1.0, "polynomial"),
        ("pct_start", 0.3, "one_cycle"),
        ("div_factor", 25.0, "one"),
    ],
)
def test_a_key_of_another_clock_is_refused_with_its_default_too(key: str, value: float, clock: str) -> None:
    with pytest.raises(StudyError, match=rf"optimizer\.{key}: received .*; clock 'absolute' does not use .*\"{clock}"):
        small(optimizer=trained(**{key: value}))
    none: dict[str, Any] = {"warmup": 0, "min_lr": 0.0, "lr_decay": 1.0}
    assert small(optimizer=trained(**none)) == small(optimizer=trained()), "these say that there is none"


def test_nesterov_without_momentum_is_refused_before_training() -> None:
    with pytest.raises(StudyError, match=r"optimizer\.nesterov: received True with momentum = 0"):
        small(optimizer=trained(momentum=0.0, nesterov=True))
    assert small(optimizer=trained(nesterov=True)).optimizer.momentum == 0.9


def test_the_studys_own_clock_alone_is_no_list_of_controls(tmp_path: Path) -> None:
    store = Store(tmp_path / "s")
    study = small(controls={"clocks": ["absolute"]})
    said = r"controls\.clocks: received \['absolute'\], the study's own clock.*omit clocks for the restarted one"
    with pytest.raises(StudyError, match=said):
        critlab.plan(study, store.root)
    with pytest.raises(StudyError, match=said):
        run_study(study, store, RunOptions(executor="inline"))
    assert not store.root.exists()
    beside = small(controls={"clocks": ["absolute", "since_removal"]})
    assert unused_remarks(beside) == [
        "controls.clocks: received 'absolute', the study's own clock, which adds no run; omit it"
    ]


def test_a_study_that_the_store_knows_keeps_such_a_list(tmp_path: Path) -> None:
    store = Store(tmp_path / "s")
    study = small(controls={"clocks": ["absolute"]})
    record = StudyRecord(study.model_dump(mode="json"), "0" * 64, Numerics(), {})
    write_record(store, record)
    assert "the study's own clock" in " ".join(critlab.plan(study, store.root).remarks)
    without = Study(**{**dict(study), "controls": {"delay": False, "clocks": []}})
    assert {run.name for run in study.runs} == {run.name for run in without.runs}


@pytest.mark.parametrize("at", [[0], ["never"], [0, "never"]])
def test_controls_at_points_without_any_name_the_point_to_add(at: list[Any]) -> None:
    sweep = {"kind": "removal", "at": [0, 1, 3, "never"], "recovery": 2}
    study = small(sweep=sweep, controls={**DEFAULT, "at": at})
    found = {(one.name, one.at, one.reason, one.key) for one in missing_contrasts(study)}
    assert found == {(name, 3, "other_points", "controls.at") for name in ("harm", "beyond_delay")}
    added = small(sweep=sweep, controls={**DEFAULT, "at": [one for one in (0, 3, "never") if one in (*at, 3)]})
    assert missing_contrasts(added) == ()
    epochs = added.epochs() - study.epochs()
    assert all(0 < one.epochs <= epochs for one in missing_contrasts(study))
    assert unused_remarks(study) == [
        f"controls.at: received {at!r}, where no control has a run; add a point, or omit it"
    ]
    assert unused_remarks(added) == []


def test_points_that_controls_use_are_no_remark() -> None:
    never = {"kind": "removal", "at": [1, 3, "never"], "recovery": 2}
    assert unused_remarks(small(sweep=never, controls={"at": ["never"], "deficits": [{"name": "noise"}]})) == []
    constant = small(optimizer=trained(), controls={**DEFAULT, "at": [3]})
    assert unused_remarks(constant) == [], "the study's own runs answer there"
    (unused,) = unused_remarks(small(controls={"at": [1]}))
    assert unused.startswith("controls.at: received [1]"), "there is no control"


def test_without_any_control_the_points_are_not_the_first_thing_to_add() -> None:
    study = small(controls={"delay": False, "clocks": [], "at": [0]})
    assert [one.key for one in missing_contrasts(study)] == ["controls.clocks", "controls.delay"]
