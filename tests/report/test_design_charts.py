"""The picture of the tree and the time line say what the study says."""

from __future__ import annotations

from typing import Any

import pytest

from critlab.analysis.tables.results import Results
from critlab.report.charts.design.timeline import timeline_charts
from critlab.report.charts.design.tree import MOST_LANES, tree_charts
from critlab.study.runs.recipe import recipes
from critlab.study.runs.tree import build
from synthetic import synthetic_results

STUDIES: dict[str, dict[str, Any]] = {
    "removal": {"at": (0, 5, 10, 20, "never")},
    "window": {"kind": "window", "at": (0, 4, 8), "recovery": 12},
    "equal totals": {"at": (0, 3, 6), "controls": {"equal_total": True, "clocks": ["since_removal"], "delay": True}},
}


@pytest.fixture(params=STUDIES)
def results(request: pytest.FixtureRequest) -> Results:
    return synthetic_results(2, **STUDIES[request.param])


def test_the_tree_holds_every_epoch_once_and_every_end(results: Results) -> None:
    (chart,) = tree_charts(results)
    column = chart.columns.index
    trained = [row for row in chart.rows if "frozen" not in str(row[column("what is on")])]
    assert sum(int(row[column("epochs")] or 0) for row in trained) == build(results.study).epochs
    ends = [name for row in chart.rows for name in str(row[column("runs that end there")]).split(", ") if name]
    assert len(ends) >= len(results.study.runs), "a name has a comma before its place"
    shared = sum(int(row[column("epochs")] or 0) * int(row[column("runs that share it")] or 0) for row in trained)
    assert shared == sum(run.total - run.frozen_epochs for run in results.study.runs)


def test_no_branch_crosses_another(results: Results) -> None:
    (chart,) = tree_charts(results)
    rows = chart.panels[0].spec["data"]["values"]
    stretches = [row for row in rows if row["part"] == "stretch"]
    for fork in (row for row in rows if row["part"] == "fork"):
        for one in stretches:
            between = fork["lane"] < one["lane"] < fork["to"]
            assert not (between and one["start"] < fork["start"] < one["stop"]), (fork, one)
    for one in stretches:
        beside = [other for other in stretches if other["lane"] == one["lane"] and other is not one]
        assert not any(other["start"] < one["stop"] and one["start"] < other["stop"] for other in beside)


def test_the_time_line_has_each_control_and_the_rates_of_the_recipes(results: Results) -> None:
    chart = next(timeline_charts(results))
    study = results.study
    rows = [dict(zip(chart.columns, row, strict=True)) for row in chart.rows]
    swept = [run for run in study.runs if run.role == "deficit" and run.at != "never"]
    point = max(swept, key=lambda run: run.window.stop)
    roles = {run.role for run in study.runs if run.at == point.at and not run.clean}
    assert len({row["run"] for row in rows if not str(row["run"]).startswith("clean")}) == len(roles)
    first = next(row for row in rows if row["what is on"] == "blur")
    assert first["learning rate at the start"] == recipes(point, study)[point.window.start].rate(0, 1)
    assert (first["start"], first["end"]) == (point.window.start, point.window.stop)


def test_a_large_study_is_thinned_and_says_so() -> None:
    (chart,) = tree_charts(synthetic_results(1, at=range(90), controls={}))
    assert f"The picture shows {MOST_LANES} of 90 kinds of run." in chart.caption
