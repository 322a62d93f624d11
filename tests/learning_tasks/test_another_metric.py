"""Another metric of a finished study, by the command line: nothing is trained, and what the store has stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from command import Command
from labelled_files import GOOD, files, run, write

OWN = """
import numpy as np

import critlab


@critlab.metric(better="lower", unit="mm", smallest_damage=0.1)
def worst(outputs, labels):
    return float(np.abs(outputs).max() + np.abs(labels).max())
"""
CHANGES = [
    ("binary", "accuracy", "f1", 0),
    ("classification", "accuracy", "balanced_accuracy", 1),
    ("regression", "mean_absolute_error", "r2", 0),
    ("regression", "r2", "own:worst", 1),
    ("segmentation", "mean_iou", "balanced_accuracy", 1),
]
"""A task, the metric before, the one after, and how many tests are missing then."""


@pytest.mark.parametrize(("task", "before", "after", "tests"), CHANGES)
def test_another_metric_trains_nothing(
    task: str, before: str, after: str, tests: int, critlab: Command, tmp_path: Path
) -> None:
    (tmp_path / "own.py").write_text(OWN)
    write(task, GOOD[task](), f'metric = "{before}"')
    assert run(critlab).status == 0
    kept = files(tmp_path / "store")
    write(task, GOOD[task](), f'metric = "{after}"')
    planned = critlab("plan", "study.toml", "--store", "store", "--json")
    document = json.loads(planned.out)
    assert (document["epochs_left"], document["readings_left"]) == (0, tests)
    told = run(critlab)
    assert told.status == 0, told.err
    assert "edited" not in told.err
    assert "0.1.0" not in told.err
    now = files(tmp_path / "store")
    epochs = [name for name in now if name.startswith(("checkpoints", "epochs"))]
    assert epochs
    assert {name: now[name] for name in epochs} == {name: kept[name] for name in kept if name in epochs}
    assert kept.items() - now.items() <= {(name, value) for name, value in kept.items() if name.startswith("studies")}
    exported = critlab("export", "study.toml", "--store", "store", "--format", "csv")
    assert exported.status == 0, exported.err
    name = after.partition(":")[2] or after
    assert f"test_{name}," in exported.out
    assert critlab("status", "study.toml", "--store", "store").status == 0
