"""The answer about the time of a switch in words and as a chart."""

from __future__ import annotations

import numpy as np

from critlab.analysis.statistics.summary import Floats
from critlab.analysis.timing import TimingTable, judge_timing
from critlab.analysis.timing.costs import Costs
from critlab.report.charts.timing import timing_chart
from critlab.report.text.timing.timing import TimingWords, cheapest_text, spent_text, timing_lines

TIMES = (0, 5, 10, 15, 20)


def table(curve: list[float]) -> TimingTable:
    noise: Floats = np.random.default_rng(0).normal(0, 0.003, (5, 5))
    return TimingTable(TIMES, tuple(range(5)), np.asarray(curve)[:, None] + noise, 20)


def test_a_best_time_is_worded_with_its_interval_plateau_and_the_present_cost() -> None:
    timing = judge_timing(table([0.5, 0.7, 0.7, 0.6, 0.5]), tolerance=0.01, present=15)
    lines = timing_lines(timing, TimingWords("mixup", "accuracy", fraction=True, direction="off"))
    assert lines[0] == "Turn mixup off at epoch 5 [1, 14]: the smoothed accuracy is highest there."
    assert lines[1].startswith("Plateau, at most 1.0 point worse than the best: epochs 5 to 10.")
    assert lines[2].startswith("The present time, epoch 15, costs 10.0 points of accuracy [9.")
    assert lines[2].endswith("against the best time.")
    assert len(lines) == 3


def test_a_null_and_a_switch_that_only_harms_are_worded() -> None:
    null = timing_lines(judge_timing(table([0.5] * 5), tolerance=0.01), TimingWords())
    assert null[0] == "No effect found: no time of the switch is found better or worse than another."
    assert null[2].startswith("A gain over never of more than 0.00")
    harm = timing_lines(judge_timing(table([0.3, 0.35, 0.4, 0.45, 0.5]), tolerance=0.01), TimingWords())
    assert harm[0] == "No time is found better than never: leave the switch off."
    assert "worse than the best: never." in harm[1]


def test_what_was_spent_is_compared_with_full_reruns() -> None:
    assert (
        spent_text(400, 1000) == "Spent 400 epochs; full reruns of the same times and seeds take 1,000 epochs (40 %)."
    )


def test_the_cheapest_time_of_the_plateau_is_compared_with_the_present_one_or_with_never() -> None:
    values, costs = table([0.5, 0.7, 0.7, 0.6, 0.5]), Costs({time: 60.0 - time for time in TIMES}, 1.0, 2.0)
    words = TimingWords(metric="accuracy", fraction=True)
    texts = [
        cheapest_text(judge_timing(values, tolerance=0.01, present=present), costs, words) for present in (None, 0, 10)
    ]
    up_to = "Cheapest time on the plateau: epoch 10, with the best accuracy up to 1.0 point for"
    assert texts[0] == f"{up_to} 125 % of the cost of never."
    assert texts[1] == f"{up_to} 83 % of the cost of the present time."
    assert texts[2] == "Cheapest time on the plateau: epoch 10, the present one."


def test_the_chart_holds_every_number() -> None:
    timing = judge_timing(table([0.5, 0.7, 0.7, 0.6, 0.5]), tolerance=0.01, present=15)
    chart = timing_chart(timing, TimingWords(metric="accuracy", fraction=True))
    assert [row[0] for row in chart.rows] == list(TIMES)
    layers = chart.panels[0].spec["layer"]
    assert layers[0]["mark"]["type"] == "rect"
    assert layers[-1]["data"]["values"] == [{"time": 15}]


def test_an_error_is_worded_in_its_own_unit_and_its_direction() -> None:
    timing = judge_timing(table([9, 5, 5, 6, 9]), tolerance=0.5, goal="min", present=0)
    pure = timing_lines(timing, TimingWords(metric="test mean absolute error"))
    assert pure[0].startswith("Turn the switch on at epoch 10 [")
    assert pure[0].endswith("]: the smoothed test mean absolute error is lowest there.")
    assert pure[1].startswith("Plateau, at most 0.5 worse than the best: epochs 5 to 10.")
    assert pure[2].startswith("The present time, epoch 0, costs 4")
    assert " test mean absolute error [" in pure[2]
    with_unit = timing_lines(timing, TimingWords(metric="test distance", unit="mm"))
    assert " mm of test distance [" in with_unit[2]
    chart = timing_chart(timing, TimingWords(metric="test distance", unit="mm"))
    assert (chart.title, "Lower is better." in chart.caption) == ("Test distance by the time of the switch", True)
