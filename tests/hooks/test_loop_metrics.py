"""A user's loop is scored in its own metric: with its unit, its direction and its smallest damage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import critlab
from critlab._core.errors import StudyError
from critlab.deficits import FeatureDropout
from critlab.hooks.own_loop.metric import LoopTask, task_of_loop
from critlab.hooks.own_loop.probe import probe
from critlab.learning_tasks import CLASSIFICATION, Metric, plain_task, read_task

DISTANCE = Metric("distance", unit="mm", better="lower", least=0.0, smallest_damage=0.5)
QUESTION: dict[str, Any] = {
    "deficit": FeatureDropout(share=1.0),
    "at": [0, 1, 2],
    "recovery": 1,
    "seeds": 3,
    "examples": 40,
    "check": False,
}


def test_a_probe_is_judged_in_the_metric_of_the_loop(tmp_path: Path) -> None:
    results = probe("own_loops:ErrorLoop", store=tmp_path / "s", metric=DISTANCE, workers=1, **QUESTION)
    assert results.study.statistics.smallest_damage == 0.5
    verdict = results.verdict()
    scores = {row.quantity for rows in results.by_run.values() for row in rows}
    assert {"test_distance", "train_loss"} <= scores
    assert "test_accuracy" not in scores
    damage = next(one for one in verdict.damages if one.name == "lasting_damage")
    curve = results.curve()
    for point in curve.points[1:]:
        assert point.damage is not None
    text = "\n".join(verdict.lines())
    assert "accuracy" not in text
    assert "mm" in text
    assert damage.estimate == pytest.approx(max(p.damage.mean for p in curve.points[1:]), rel=0.5) or damage.n == 3
    assert "distance" in critlab.report(results, tmp_path / "page.html").read_text()


def test_a_probe_of_accuracy_needs_no_training_accuracy_and_takes_any_smallest_damage(tmp_path: Path) -> None:
    class Quiet:
        """A training in name whose score is no fraction."""

        make = staticmethod(lambda seed: {"epochs": 0.0})
        save, load = staticmethod(dict), staticmethod(dict)

        @staticmethod
        def advance(state: dict[str, float], epoch: int, deprive: Any) -> dict[str, float]:
            import torch

            deprive(torch.ones(2, 3), torch.zeros(2))
            state["epochs"] += 1
            return {"train_loss": 1.0}

        @staticmethod
        def evaluate(state: dict[str, float]) -> float:
            return 30 + state["epochs"]

    loop = Quiet()
    results = probe(
        loop.make,
        loop.advance,
        loop.evaluate,
        save=loop.save,
        load=loop.load,
        store=tmp_path / "s",
        smallest_damage=2.0,
        version="1",
        **QUESTION,
    )
    assert {outcome.status for outcome in results.outcomes} == {"done"}
    assert results.study.task == CLASSIFICATION
    assert results.verdict().lines()


def test_a_task_of_a_loop_reads_what_it_writes() -> None:
    task = task_of_loop(DISTANCE, "probe")
    assert isinstance(task, LoopTask)
    assert read_task(plain_task(task)) == task
    assert task.judged == DISTANCE
    assert task_of_loop(None, "probe") == task_of_loop("accuracy", "probe") == CLASSIFICATION
    assert task_of_loop("mean_absolute_error", "probe").judged.better == "lower"
    for wrong in (3, "no_such_metric", print):
        with pytest.raises(StudyError, match="probe: metric: received"):
            task_of_loop(wrong, "probe")
