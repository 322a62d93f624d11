"""How many examples each class has: in the plan, as text, and after a class-balanced subset."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from command import Command
from critlab.data.class_counts import ClassCounts, class_counts
from critlab.data.spec import DataSpec
from critlab.report.text.terminal import classes_text

STUDY = """
name = "uneven"
seeds = 3
data = { name = "arrays", inputs = "x.npy", labels = "y.npy", range = "unit", split = { test = 0.2 } }
model = { name = "mlp", hidden = [4] }
optimizer = { name = "sgd", lr = 0.1, batch = 10 }
deficit = { name = "noise" }
sweep = { kind = "removal", at = [0, 2], recovery = 2 }
"""


def uneven(folder: Path) -> None:
    """Ninety examples of class 0 and ten of class 1."""
    np.save(folder / "x.npy", np.random.default_rng(0).random((100, 5)))
    np.save(folder / "y.npy", np.repeat([0, 1], [90, 10]))


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ({"a": 5, "b": 5}, "2, 5 training examples each"),
        ({"a": 50, "b": 5, "c": 7}, "3, from 5 training examples (b) to 50 (a): 10 times as many"),
        ({"a": 0, "b": 5}, "2, from 0 training examples (a) to 5 (b): the smallest has none"),
        (
            {"a": 1200, "b\x1b[31m": 1000},
            "2, from 1,000 training examples (b\\x1b[31m) to 1,200 (a): 1.2 times as many",
        ),
    ],
)
def test_the_text_names_the_smallest_and_the_largest(counts: dict[str, int], text: str) -> None:
    assert classes_text(ClassCounts(counts)) == text


def test_a_subset_is_as_even_as_it_can_be(tmp_path: Path) -> None:
    uneven(tmp_path)
    raw = {"name": "arrays", "inputs": "x.npy", "labels": "y.npy", "range": "unit", "split": {"test": 0.2}}
    for train, expected in ((None, [72, 8]), (20, [12, 8]), (10, [5, 5])):
        found = class_counts(DataSpec.read({**raw, "train": train}, "data"), tmp_path)
        assert found is not None
        assert [*found.counts.values()] == expected
    assert class_counts(DataSpec(name="sample")) is None


def test_the_plan_shows_an_imbalance(critlab: Command, tmp_path: Path) -> None:
    uneven(tmp_path)
    Path("study.toml").write_text(STUDY)
    assert "2, from 8 training examples (1) to 72 (0): 9 times as many" in critlab("plan", "study.toml").out
    assert json.loads(critlab("plan", "study.toml", "--json").out)["classes"] == {"0": 72, "1": 8}


@pytest.mark.slow
def test_data_that_changed_since_the_last_run_are_said_so(critlab: Command, tmp_path: Path) -> None:
    uneven(tmp_path)
    Path("study.toml").write_text(STUDY)
    changed = "data: other content than in the earlier run of this study"
    for _ in range(2):
        told = critlab("run", "study.toml", "--engine", "inline")
        assert (told.status, changed in told.err) == (0, False)
    np.save(tmp_path / "x.npy", np.random.default_rng(1).random((100, 5)))
    told = critlab("run", "study.toml", "--engine", "inline")
    assert (told.status, changed in told.err) == (0, True)


def test_data_that_are_not_there_are_a_note_of_the_plan_and_refused_by_a_run(critlab: Command) -> None:
    Path("study.toml").write_text(STUDY)
    planned = critlab("plan", "study.toml")
    assert planned.status == 0
    assert "note: data: y.npy in" in planned.out
    for _ in range(2):
        told = critlab("run", "study.toml", "--engine", "inline")
        assert told.status == 2
        (line,) = [line for line in told.err.splitlines() if line.startswith("critlab: ")]
        assert line.startswith("critlab: y.npy in")
    assert not Path("critlab-store").exists()
