"""Intervals stay where values are possible, intervals of curves stand apart, and compared panels have one axis."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from critlab.analysis.statistics import Summary
from critlab.analysis.tables.results import Results
from critlab.measures import Quantity
from critlab.papers.registry import FIGURES
from critlab.report.chart import Chart
from critlab.report.charts import charts
from critlab.report.charts.kit import chart, layer, layered
from critlab.report.charts.moments import possible
from made_up import answer
from synthetic import synthetic_results


@pytest.fixture(scope="module")
def noisy() -> Results:
    """So few and so different seeds that t intervals of accuracies reach below 0 and above 1."""
    controls = {"clocks": ["since_removal"], "deficits": [{"name": "vertical_flip"}]}
    return synthetic_results(2, noise=0.1, controls=controls)


def rows_of(one: Chart) -> list[dict[str, Any]]:
    """All rows that a chart draws."""
    return [row for panel in one.panels for row in panel.spec["data"]["values"]]


def test_accuracies_and_traces_stay_in_their_range(noisy: Results) -> None:
    assert any(point.score_high and point.score_high > 1 for point in noisy.curve().points)
    drawn = {one.key: one for one in charts(noisy)}
    for row in rows_of(drawn["removal_curve"]):
        for name in ("accuracy_low", "accuracy_high"):
            assert row.get(name) is None or 0 <= row[name] <= 1
    for row in rows_of(drawn["learning_curves"]):
        assert row.get("low") is None or 0 <= row["low"] <= row["high"] <= 1
    for row in rows_of(drawn["fisher_trace"]):
        assert row.get("low") is None or row["low"] >= 0


def test_a_mean_outside_stays_in_its_interval() -> None:
    trace = Quantity("trace", "Trace", least=0)
    assert possible(Summary(3, 2.0, 1.0, -5.0, 9.0), trace) == Summary(3, 2.0, 1.0, 0, 9.0)
    assert possible(Summary(3, -1.0, 1.0, -5.0, 9.0), trace) == Summary(3, -1.0, 1.0, -1.0, 9.0)
    assert possible(Summary(3, 2.0, 1.0, -5.0, 9.0), None).low == -5.0


def test_no_interval_covers_that_of_another_curve(noisy: Results) -> None:
    drawn = next(one for one in charts(noisy) if one.key == "damage")
    places = defaultdict(set)
    for row in rows_of(drawn):
        if row["part"] == "point":
            places[row["x"]].add(row["arm"])
    assert len(places) > 8
    assert all(len(arms) == 1 for arms in places.values())


def test_panels_with_equal_axes_have_one_domain() -> None:
    def panel(height: float, title: str = "height") -> dict[str, Any]:
        y = {"field": "y", "type": "quantitative", "title": title}
        return layered([{"y": 0.5}, {"y": height}], layer("point", {"y": y}))

    made = chart("key", "Title", "Caption.", "Alt.", [("a", panel(1)), ("b", panel(9)), ("c", panel(4, "x"))], [])
    domains = [one.spec["layer"][0]["encoding"]["y"].get("scale", {}).get("domain") for one in made.panels]
    assert domains[0] == domains[1]
    assert domains[0][0] == 0
    assert domains[0][1] > 9
    assert domains[2] is None


@pytest.mark.parametrize("name", ["pathways", "completion-depth", "sensors", "prior-and-plasticity"])
def test_panels_of_the_figures_share_their_axes(name: str) -> None:
    for one in [one for one in FIGURES[name].charts(answer(name, FIGURES[name], 1)) if len(one.panels) > 1]:
        found = defaultdict(set)
        for panel in one.panels:
            for drawn in panel.spec["layer"]:
                y = drawn.get("encoding", {}).get("y", {})
                if y.get("title") and "domain" in y.get("scale", {}):
                    found[y["title"]].add(tuple(y["scale"]["domain"]))
        assert found
        assert all(len(domains) == 1 for domains in found.values()), (name, one.key)
