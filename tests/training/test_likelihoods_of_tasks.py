"""Studies of every task measure the Fisher information by the task's likelihood, or say what does not fit."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

import critlab
from critlab._core.errors import StudyError
from task_studies import TASKS, files, study


@pytest.mark.slow
@pytest.mark.parametrize("task", list(TASKS))
def test_every_fisher_measure_reads_every_task(task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    few = {"images": 12}
    measured = {
        "fisher_trace": few,
        "fisher_empirical": few,
        "fisher_log_determinant": few,
        "gradients": {**few, "batch": 4},
        "curvature": {**few, "iterations": 3},
    }
    results = critlab.run(study(task, files(tmp_path, task), **measured), tmp_path / "store", engine="inline")
    for quantity in (*list(measured)[:3], "gradient_norm", "curvature"):
        values = [row.value for row in results.rows if row.quantity == quantity and not row.layer]
        assert values, quantity
        assert all(map(math.isfinite, values)), quantity
        assert all(value > 0 for value in values) or quantity == "curvature"


def test_a_likelihood_that_is_not_the_tasks_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    data = files(tmp_path, "regression")
    study("regression", data, fisher_trace={"likelihood": {"name": "gaussian", "variance": 0.25}})
    said = r"measures.fisher_trace: likelihood: received 'bernoulli', but the outputs of regression are gaussian; omit"
    with pytest.raises(StudyError, match=said):
        study("regression", data, fisher_trace={"likelihood": "bernoulli"})
