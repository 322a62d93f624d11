"""Every quantity that a study measured is drawn on its page, with a table, and so is one that nobody declared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from critlab._core.errors import StudyError
from critlab.analysis.tables.reading import read_results
from critlab.analysis.tables.results import Results
from critlab.analysis.tables.table import Row
from critlab.measures import MEASURES
from critlab.report import page, save_figures
from critlab.report.charts import charts
from critlab.report.charts.design import DESIGN
from critlab.report.charts.quantities import LEAST_ROWS, MOST_EPOCHS
from critlab.store import Store
from critlab.study.ingredients.measurement import quantities
from inline import Inline
from studies import small
from synthetic import synthetic_results

TWO_VIEWS = {"name": "two_view", "of": "sample", "view_width": 16, "train": 60, "test": 20}
TINY = {"data": {"name": "sample", "train": 60, "test": 20}, "model": {"name": "mlp", "hidden": [6]}}
OF_TWO = {"data": TWO_VIEWS, "model": {"name": "split_resnet18", "width": 2}}


def options(measure: str) -> dict[str, Any]:
    fields = MEASURES[measure].model_fields
    return {"every": 2, **{k: v for k, v in {"images": 16, "batch": 5}.items() if k in fields}}


def reads(measure: str, shape: tuple[int, ...]) -> bool:
    try:
        MEASURES[measure]().check(shape)
    except StudyError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.parametrize(("parts", "shape"), [(TINY, (1, 28, 28)), (OF_TWO, (2, 1, 28, 28))], ids=["one", "two"])
def test_every_registered_measure_is_on_the_page(parts: dict[str, Any], shape: tuple[int, ...], tmp_path: Path) -> None:
    names = [name for name in MEASURES if reads(name, shape) and (shape[0] == 1 or not reads(name, (1, 28, 28)))]
    sweep = {"kind": "removal", "at": [1], "recovery": 1}
    study = small(seeds=1, measures={name: options(name) for name in names}, sweep=sweep, controls={}, **parts)
    store = Store(tmp_path)
    assert not Inline(study, store).run().failures
    results = read_results(study, store)
    assert {outcome.status for outcome in results.outcomes} == {"done"}
    declared = quantities(study)
    assert {row.quantity for row in results.rows} == set(declared), "a measure declares what it reads, and nothing else"
    drawn: dict[str, set[str]] = {}
    for chart in charts(results):
        if "quantity" in chart.columns:
            layer = chart.columns.index("quantity") + 1
            for cells in chart.rows:
                whole = chart.columns[layer] == "epoch"
                drawn.setdefault(str(cells[layer - 1]).replace(" ", "_"), set()).add("" if whole else str(cells[layer]))
    compared = {
        run.identifier(seed) for run in study.runs for seed in study.seeds if run.role in ("control", "deficit")
    }
    for row in results.rows:
        assert row.run not in compared or row.layer in drawn[row.quantity], row
    for row in results.rows:
        assert bool(declared[row.quantity].by) or not row.layer, f"{row.quantity} has layers and does not say so"
    text = page(results)
    for one in declared.values():
        assert one.label in text


def made_up(layers: int, epochs: int, value: float = 1.0) -> Results:
    """Results with one more quantity, which no measure declares."""
    results = synthetic_results(seeds=2, at=(5, 10))
    runs = {row.run: row for row in results.rows}
    more: list[Row] = [
        replace(row, epoch=epoch, quantity="own_number", layer=f"layer{layer}", value=value * (layer + 1))
        for row in runs.values()
        for epoch in range(epochs)
        for layer in range(layers)
    ]
    return replace(results, rows=(*results.rows, *more))


def drawn_by_layer(results: Results) -> list[dict[str, Any]]:
    (chart,) = [chart for chart in charts(results) if chart.key == "own_number_by_layer"]
    assert chart.title == "Own number, by layer"
    assert len(chart.panels) == 3
    return [panel.spec for panel in chart.panels]


@pytest.mark.parametrize(("layers", "mark"), [(LEAST_ROWS - 1, "line"), (LEAST_ROWS, "rect")])
def test_few_layers_are_lines_and_many_a_heat_map(layers: int, mark: str) -> None:
    specs = drawn_by_layer(made_up(layers, 3))
    assert all(spec["layer"][0]["mark"]["type"] == mark for spec in specs)
    order = [row["place"] for row in specs[0]["data"]["values"] if row["part"] == "mean" and row["epoch"] == 0]
    assert order == [f"layer{layer}" for layer in range(layers)]


@pytest.mark.slow
def test_many_epochs_are_thinned_and_the_chart_says_so() -> None:
    results = made_up(2, 4 * MOST_EPOCHS)
    for spec in drawn_by_layer(results):
        epochs = {row["epoch"] for row in spec["data"]["values"] if row["part"] == "mean"}
        assert len(epochs) == MOST_EPOCHS
        assert {0, 4 * MOST_EPOCHS - 1} <= epochs
    assert f"about {MOST_EPOCHS} of the epochs" in page(results)


@pytest.mark.slow
@pytest.mark.parametrize("value", [0.0, float("nan"), float("inf")])
def test_numbers_that_do_not_vary_or_are_not_finite_do_no_harm(value: float, tmp_path: Path) -> None:
    results = made_up(2, 3, value)
    text = page(results)
    assert ("Own number" in text) == (value == 0)
    alone = replace(results, rows=tuple(row for row in results.rows if row.quantity == "own_number"))
    named = (path.name for path in save_figures(alone, tmp_path))
    written = {name for name in named if not name.startswith(DESIGN)}
    ends = (".csv", ".txt", *(f"-double.{form}" for form in ("json", "pdf", "svg", "png")))
    expected = {f"own_number_by_layer{end}" for end in ends}
    assert written == (expected if value == 0 else set())
