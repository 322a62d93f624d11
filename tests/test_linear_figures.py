"""The deep linear figures: every name, light to import, tables of plain values, charts that can be drawn."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import pytest

from critlab.presets.deep_linear import FIGURES

QUICK = ("lesion", "phase", "sensors")


def test_names_are_those_of_the_paper_and_ours() -> None:
    assert list(FIGURES) == [
        "pathways",
        "lesion",
        "pathways-nonlinear",
        "phase",
        "completion-depth",
        "completion-rank",
        "completion-observations",
        "completion-subset",
        "completion-init",
        "completion-window",
        "singular-vectors",
        "sensors",
    ]
    assert all(figure.source and figure.question.endswith("?") for figure in FIGURES.values())


def test_importing_the_figures_loads_no_torch() -> None:
    code = "import critlab.presets.deep_linear, sys; print(' '.join(sys.modules))"
    modules = set(
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    )
    assert not modules & {"torch", "scipy", "vl_convert"}


@pytest.mark.parametrize("name", QUICK)
def test_tables_are_plain_and_charts_can_be_drawn(name: str) -> None:
    drawing = pytest.importorskip("vl_convert")
    from critlab.report.figures import paper_spec

    figure = FIGURES[name]
    tables = figure.tables("small")
    assert json.loads(json.dumps(tables, allow_nan=False)) == tables
    for chart in figure.charts(tables):
        assert chart.rows
        assert "<path" in drawing.vegalite_to_svg(paper_spec(chart, 6.75))
    for what, published, ours in figure.compare(tables):
        assert math.isclose(ours, published, rel_tol=0.03, abs_tol=0.15), what
    if figure.published:
        assert len(figure.compare(tables)) >= len(figure.published) - 1
