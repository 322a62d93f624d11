"""A network of the user's own that cannot be trained is refused in one line, before anything is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import faulty_nets
from critlab._core.errors import StudyError
from critlab.data import load
from critlab.engine.context import RunOptions
from critlab.engine.run import run_study
from critlab.store import Store
from critlab.study.runs.origin import Numerics
from critlab.study.study import Study
from critlab.training.network_training import NetworkTraining
from studies import small

SHAPE = "input of shape (40, 1, 28, 28)"
REFUSED = {
    "wrong_size": (SHAPE, "10 classes", "RuntimeError: mat1 and mat2", "return logits (batch, 10)"),
    "mistaken": (SHAPE, "10 classes", f"{faulty_nets.__file__}, line 22"),
    "detached": ("fails in a trial of four steps and a test", SHAPE, "RuntimeError: "),
    "only_trains": ("ValueError: no test", f"{faulty_nets.__file__}, line 33"),
    "in_a_tuple": ("returned tuple", SHAPE, "must return logits (batch, 10)"),
    "few_outputs": ("outputs of shape (40, 7)", SHAPE, "must return 10 logits"),
    "double": (SHAPE, "take float32 (batch, 1, 28, 28)"),
    "no_batch": (SHAPE, "take float32 (batch, 1, 28, 28)"),
    "meta": ("'1.weight' on the meta device",),
    "nothing_to_train": ("without trainable weights", "no parameters"),
    "frozen": ("without trainable weights", "requires_grad = False"),
    "ends_python": ("SystemExit: 3",),
    "nothing": ("returned NoneType",),
    "raises": ("IndexError", f"{faulty_nets.__file__}, line "),
}
REMARKED = {
    "sound": [],
    "many_outputs": ["returns 13 logits for 10 classes"],
    "softmax": ["returns probabilities"],
}


def study_of(kind: str, **changes: Any) -> Study:
    return small(seeds=1, measures={}, model={"name": "faulty_nets:build", "kind": kind}, **changes)


@pytest.mark.parametrize(("kind", "named"), REFUSED.items(), ids=REFUSED)
def test_a_network_that_fails_is_refused_by_name(kind: str, named: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(StudyError) as refused:
        run_study(study_of(kind), Store(tmp_path / "store"), RunOptions(executor="inline"))
    said = str(refused.value)
    assert said.startswith("model.name: 'faulty_nets:build' ")
    assert "\n" not in said
    assert [part for part in named if part not in said] == [], said
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(("kind", "expected"), REMARKED.items(), ids=REMARKED)
def test_unusual_outputs_are_remarked_on(kind: str, expected: list[str]) -> None:
    study = study_of(kind)
    found = NetworkTraining().try_model(study, load(study.data), Numerics(), "cpu")
    assert len(found) == len(expected)
    for line, part in zip(found, expected, strict=True):
        assert line.startswith(f"model.name: 'faulty_nets:build' {part}")


def test_a_network_that_was_tried_on_other_images_is_tried_again(tmp_path: Path) -> None:
    store, options = Store(tmp_path / "store"), RunOptions(executor="inline")
    run_study(study_of("sound"), store, options)
    larger = study_of("sound", name="larger", data={"name": "sample", "train": 120, "test": 60, "pad": 2})
    with pytest.raises(StudyError, match=r"input of shape \(40, 1, 32, 32\)"):
        run_study(larger, store, options)
