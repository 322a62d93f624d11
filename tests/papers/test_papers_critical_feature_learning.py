"""The figures of paper 4: plain tables, charts that compile, settings stated, nothing heavy imported early."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from typing import Any

import pytest

from critlab.papers.critical_feature_learning import (
    by_width,
    kernel_criticality,
    kernel_layers,
    kernel_reweighing,
    kernels,
    prior_and_plasticity,
)
from critlab.papers.registry import FIGURES
from critlab.report.charts.encoding import JSON
from critlab.report.findings import Computed
from critlab.report.text.figures.comparisons import comparison_row
from trained import made_once

NAMES = (
    "kernel-reweighing", "kernels", "kernel-width", "kernel-layers", "kernel-criticality", "kernel-images",
    "prior-and-plasticity",
)  # fmt: skip
STATED = ("P", "N", "L", "g", "bias", "noise", "seed", "mode", "convergence", "sampler")


def computed_tables(name: str) -> dict[str, list[JSON]]:
    compute = FIGURES[name].tables
    assert compute is not None
    return {table: [*rows] for table, rows in compute("small").items()}


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, list[JSON]]]:
    """Every figure at a size that shows its form, not its numbers."""
    made = made_once(
        tmp_path_factory, "feature-learning-tables", lambda path: path.write_bytes(pickle.dumps(small_tables()))
    )
    found: dict[str, dict[str, list[JSON]]] = pickle.loads(made.read_bytes())
    return found


def small_tables() -> dict[str, dict[str, list[JSON]]]:
    with pytest.MonkeyPatch.context() as patch:
        smaller: list[tuple[Any, str, Any]] = [
            (by_width, "WIDTHS", {"small": (50, 100)}),
            (by_width, "SAMPLES", {"small": 20}),
            (by_width, "BATCHES", 2),
            (by_width, "DRAWS", {"small": 800}),
            (kernel_reweighing, "NETWORKS", {"small": 4000}),
            (kernels, "KERNEL_SAMPLES", {"small": 8}),
            (kernels, "KERNEL_WIDTH", 20),
            (kernels, "KERNEL_DEPTH", 1),
            (kernel_layers, "BATCHES", 2),
            (kernel_layers, "LAYERS_DRAWS", {"small": 600}),
            (kernel_criticality, "SCALES_OF_G", (0.7, 1.4)),
            (kernel_criticality, "BATCHES", 2),
            (kernel_criticality, "DRAWS", {"small": 500}),
            (kernel_criticality, "DEPTHS", (4,)),
            (kernel_criticality, "SAMPLED_DEPTH", 1),
            (kernel_criticality, "SAMPLED_G", {"small": (1.4,)}),
            (kernel_criticality, "SAMPLES", {"small": 8}),
            (kernel_criticality, "NETWORKS", {"small": 50}),
            (prior_and_plasticity, "SEEDS", {"small": 3}),
            (prior_and_plasticity, "SCALES_G", {"small": (0.6, prior_and_plasticity.EDGE, 3.0)}),
            (
                prior_and_plasticity,
                "SIZES",
                {"small": {"width": 16, "points": 16, "test_points": 40, "window_steps": 20, "recovery_steps": 20}},
            ),
        ]
        for module, name, value in smaller:
            patch.setattr(module, name, value)
        return {name: computed_tables(name) for name in NAMES}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore::critlab.theory.kernels.adaptation.NotConverged")
def test_tables_are_plain_and_say_how_they_were_made(name: str, tables: dict[str, dict[str, list[JSON]]]) -> None:
    found = tables[name]
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert all(rows for rows in found.values())
    charts = FIGURES[name].charts(found)
    assert charts
    for chart in charts:
        for setting in STATED:
            assert f"{setting} {found['settings'][0][setting]}" in chart.caption
        assert "not a critical period" in chart.caption
        assert chart.rows
    assert FIGURES[name].charts(json.loads(json.dumps(found))) == charts


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_charts_compile_and_numbers_are_compared(name: str, tables: dict[str, dict[str, list[JSON]]]) -> None:
    import vl_convert as drawing

    from critlab.report.figures import paper_spec

    for chart in FIGURES[name].charts(tables[name]):
        assert "<svg" in drawing.vegalite_to_svg(paper_spec(chart, 9.0))
    for one in FIGURES[name].comparisons(tables[name]):
        assert one.what
        assert one.published
        assert one.computed
        assert "nan" not in comparison_row(one).ours


@pytest.mark.slow
def test_a_point_that_did_not_converge_is_marked(tables: dict[str, dict[str, list[JSON]]]) -> None:
    changed = json.loads(json.dumps(tables["kernel-criticality"]))
    for row in changed["points"]:
        row["trusted"] = False
    gains = [one for one in FIGURES["kernel-criticality"].comparisons(changed) if "gain in alignment" in one.what]
    assert gains
    assert all(isinstance(one.ours, Computed) and not one.ours.trusted for one in gains)
    assert "(not converged)" in comparison_row(gains[0]).ours
    hollow = json.dumps(FIGURES["kernel-criticality"].charts(changed)[1].panels[2].spec)
    assert "!datum.trusted" in hollow


@pytest.mark.slow
def test_figures_cost_no_numerical_library_until_computed() -> None:
    code = f"from critlab.papers import FIGURES; import sys; [FIGURES[n] for n in {NAMES}]; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"torch", "scipy"} & set(loaded)
