"""A user's loop is scored in its own metric: with its unit, its direction and its smallest damage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import critlab
from critlab._core.errors import StudyError
from critlab.deficits import FeatureDropout
from critlab.hooks.own_loop.lasting_damage import lasting_damage
from critlab.hooks.own_loop.metric import LoopTask, task_of_loop
from critlab.hooks.own_loop.probe import probe
from critlab.hooks.sensitivity.sensitivity import sensitivity
from critlab.learning_tasks import CLASSIFICATION, Metric, plain_task, read_task

DISTANCE = Metric("distance", unit="mm", better="lower", least=0.0, smallest_damage=0.5)
QUESTION: dict[str, Any] = {
    "deficit": FeatureDropout(share=1.0),
    "at": [0, 1, 2],
    "recovery": 1,
    "seeds": 3,
    "version": "1",
    "check": False,
}


def make(seed: int) -> dict[str, float]:
    return {"seed": float(seed), "deprived": 0.0}


def advance(state: dict[str, float], epoch: int, deprive: Any) -> dict[str, float]:
    """No training accuracy: it is needed nowhere."""
    inputs, _ = deprive(torch.ones(2, 3), torch.zeros(2))
    state["deprived"] += float(inputs.sum() == 0)
    return {"train_loss": 1.0}


def distance(state: dict[str, float]) -> dict[str, float]:
    """2 mm more after a deficit, whatever the seed."""
    return {"test_distance": 5 + state["seed"] + 2 * (state["deprived"] > 0)}


def asked(evaluate: Any, store: Path, **options: Any) -> critlab.Results:
    return probe(make, advance, evaluate, save=dict, load=dict, store=store, **QUESTION, **options)


def test_a_probe_is_judged_in_the_metric_of_the_loop(tmp_path: Path) -> None:
    results = asked(distance, tmp_path / "s", metric=DISTANCE)
    assert results.study.statistics.smallest_damage == 0.5
    quantities = {row.quantity for rows in results.by_run.values() for row in rows}
    assert quantities == {"test_distance", "train_loss"}
    verdict = results.verdict()
    damage = next(one for one in verdict.damages if one.name == "lasting_damage")
    assert damage.estimate == pytest.approx(2), "more distance is damage, as less is better"
    text = "\n".join(verdict.lines())
    assert "mm" in text
    assert "accuracy" not in text
    assert "distance" in critlab.report(results, tmp_path / "page.html").read_text()


def test_recoveries_and_forks_are_judged_in_it_too() -> None:
    before, after = ({"seed": 0.0, "deprived": deprived} for deprived in (0.0, 1.0))
    functions: Any = {"advance": advance, "evaluate": distance, "load": dict}

    def noisy(state: dict[str, float]) -> dict[str, float]:
        """Networks with and without a deficit have other errors."""
        return {"distance": distance(state)["test_distance"] + 0.01 * float(torch.rand(2)[int(state["deprived"] > 0)])}

    given = {**functions, "evaluate": noisy, "epoch": 1, "stretch": 1, "recovery": 1, "repeats": 3}
    found = lasting_damage(before, after, **given, metric=DISTANCE)
    assert found.damage.mean == pytest.approx(2, abs=0.02)
    assert (found.answer, found.smallest) == ("present", 0.5)
    assert " mm [" in found.sentence
    forked = {**functions, "evaluate": noisy, "deficits": {"zeros": FeatureDropout(share=1.0)}, "epoch": 1, "total": 9}
    answer = sensitivity(before, **forked, deprived=1, clean=1, metric=DISTANCE, check=False)["zeros"]
    assert answer.damage_now == pytest.approx(2, abs=0.02)
    assert answer.smallest == 0.5
    assert answer.forecast is None, "the shipped map knows accuracy alone"
    assert "mm" in answer.sentence
    assert "points" not in answer.sentence


def test_without_a_metric_a_score_may_have_any_range(tmp_path: Path) -> None:
    results = asked(lambda state: 30 - 2 * (state["deprived"] > 0), tmp_path / "s", smallest_damage=1.5)
    assert results.study.task == CLASSIFICATION
    damage = next(one for one in results.verdict().damages if one.name == "lasting_damage")
    assert damage.estimate == pytest.approx(2)


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


@pytest.mark.parametrize(
    ("evaluate", "options", "words"),
    [
        (lambda state: {"other": 1.0}, {"metric": DISTANCE}, "must be a mapping with test_distance"),
        (
            lambda state: {"test_correct": [True]},
            {"metric": DISTANCE},
            "test_correct: received with the metric distance",
        ),
    ],
)
def test_what_the_metric_does_not_fit_is_one_line(evaluate: Any, options: Any, words: str, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=words) as error:
        asked(evaluate, tmp_path / "s", **options)
    assert "\n" not in str(error.value)
