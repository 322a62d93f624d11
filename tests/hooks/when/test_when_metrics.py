"""``critlab.when`` in another metric than accuracy: its name, unit and direction in every sentence and chart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import critlab
from critlab._core.errors import StudyError
from critlab.hooks.when.answer import When
from critlab.hooks.when.metrics import judged_metrics, leading_name
from critlab.hooks.when.options import WhenOptions
from critlab.learning_tasks import Metric

DISTANCE = Metric("distance", "mean distance", unit="mm", better="lower", least=0.0, smallest_damage=0.5)
TOTAL = 4


def make(seed: int) -> dict[str, float]:
    return {"seed": float(seed), "on": 0.0, "epochs": 0.0}


def advance(state: dict[str, float], epoch: int) -> None:
    state["epochs"] += state["on"]


def switch(state: dict[str, float], on: bool) -> None:
    state["on"] = float(on)


def distance(state: dict[str, float]) -> float:
    """2 mm less for each epoch with the switch, the same for all seeds but for a shift and 0.01 mm."""
    return 10 + state["seed"] - 2 * state["epochs"] + 0.01 * ((state["seed"] * 7 + state["epochs"] * 3) % 5)


def asked(store: Path, evaluate: Any = distance, **options: Any) -> When:
    given: dict[str, Any] = {"metric": DISTANCE, "total": TOTAL, "seeds": 3, "version": "1", "check": False, **options}
    return critlab.when(make, advance, evaluate, save=dict, load=dict, switch=switch, store=store, **given)


def test_a_metric_brings_its_name_unit_direction_and_tolerance(tmp_path: Path) -> None:
    answer = asked(tmp_path / "s", present=TOTAL)
    assert (answer.timing.goal, answer.timing.tolerance, answer.best.epoch) == ("min", 0.5, 0)
    lines = answer.lines()
    assert lines[0].endswith("the smoothed mean distance is lowest there.")
    assert lines[1].startswith("Plateau, at most 0.5 mm worse than the best: epoch 0.")
    assert lines[2].startswith("The present time, never, costs ")
    assert " mm of mean distance [" in lines[2]
    document = answer.document()["metrics"]["distance"]
    assert (document["title"], document["unit"], document["goal"]) == ("Mean distance", "mm", "min")
    (chart,) = answer.findings().charts
    assert chart.title == "Mean distance by the time of the switch"
    assert "Lower is better." in chart.caption
    assert "Mean distance (mm)" in f"{chart.panels[0].spec}"
    everything = "\n".join([*lines, chart.title, chart.caption, chart.alt, f"{chart.panels[0].spec}"])
    assert "accuracy" not in everything
    assert "the metric" not in everything
    assert list(answer.to_pandas().columns) == ["time", "seed", "distance"]


def test_results_that_had_no_name_get_one_and_train_nothing_again(tmp_path: Path) -> None:
    first = asked(tmp_path / "s", metric="the metric", goal="min", tolerance=0.5)
    assert first.lines()[0].endswith("the smoothed metric is lowest there.")
    calls: list[int] = []

    def counted(state: dict[str, float], epoch: int) -> None:
        calls.append(epoch)

    again = critlab.when(
        make,
        counted,
        distance,
        save=dict,
        load=dict,
        switch=switch,
        store=tmp_path / "s",
        metric=DISTANCE,
        total=TOTAL,
        seeds=3,
        version="1",
        check=False,
    )
    assert not calls
    assert again.best == first.best
    assert again.lines()[0].endswith("the smoothed mean distance is lowest there.")


def test_several_metrics_have_each_their_own_words(tmp_path: Path) -> None:
    def both(state: dict[str, float]) -> Mapping[str, float]:
        own = 0.0001 * ((state["seed"] * 7 + state["epochs"] * 3) % 5)
        return {"distance": distance(state), "accuracy": 0.5 + 0.1 * state["epochs"] + own}

    answer = asked(tmp_path / "s", both, metric=["accuracy", DISTANCE])
    assert [(name, one.goal, one.tolerance) for name, one in answer.timings.items()] == [
        ("accuracy", "max", 0.01),
        ("distance", "min", 0.5),
    ]
    text = f"{answer}"
    assert "accuracy: Turn the switch on at epoch 0 [0, 0]: the smoothed accuracy is highest there." in text
    assert "accuracy: Plateau, at most 1.0 point worse than the best" in text
    assert "mean distance: Plateau, at most 0.5 mm worse than the best" in text
    assert "no other time is better in all of accuracy and mean distance than: epoch 0." in text
    table = answer.findings().table
    assert table is not None
    assert table[0] == ("Time", "accuracy", "mean distance (mm)", "Beaten")


def test_a_name_of_critlab_brings_its_facts_and_fractions_can_be_said_to_be_none() -> None:
    words = {name: one.words for name, one in judged_metrics(None, 0.1, WhenOptions(metric="mean_iou")).items()}
    assert (words["mean_iou"].metric, words["mean_iou"].fraction) == ("mean IoU", True)
    percent = judged_metrics(None, 1.0, WhenOptions(metric="accuracy", fraction=False))["accuracy"]
    assert not percent.words.fraction
    assert percent.value({"accuracy": 93.0}, "accuracy") == 93
    own = judged_metrics("min", 1.0, WhenOptions(metric="blur"))["blur"]
    assert (own.words.metric, own.goal, own.facts) == ("blur", "min", None)
    assert leading_name(WhenOptions(metric=[DISTANCE, "loss"])) == "distance"


BAD: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "a direction that contradicts": ({"goal": "max"}, 'when: goal: received "max" for distance, of which lower values'),
    "out of its range": (
        {"evaluate": lambda state: -1.0},
        "when: evaluate: distance was -1; must be at least 0, as the metric is defined",
    ),
    "a fraction in percent": (
        {"evaluate": lambda state: 93.1, "metric": "accuracy"},
        "when: evaluate: accuracy was 93.1; must be at least 0 and at most 1, as the metric is defined",
    ),
    "no facts": ({"metric": lambda state: 1.0}, "which says no unit and direction"),
    "two of one name": ({"metric": [DISTANCE, DISTANCE]}, "when: metric: received 2 metrics; must be at least one"),
    "a fraction that is none": ({"fraction": True}, "when: fraction: received True, but distance is no fraction"),
    "no tolerance": ({"metric": replace(DISTANCE, smallest_damage=0.0)}, "when: tolerance: received none for distance"),
    "none without facts": ({"metric": "speed"}, "when: tolerance: received none for speed"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_one_clear_line(case: str, tmp_path: Path) -> None:
    options, wanted = BAD[case]
    with pytest.raises(StudyError) as caught:
        asked(tmp_path / "s", **{"times": [0], **options})
    assert wanted in f"{caught.value}"
    assert "\n" not in f"{caught.value}"
