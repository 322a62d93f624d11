"""The deep linear figures: every name, light to import, tables of plain values, charts that can be drawn."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import pytest

from critlab.papers.registry import FIGURES

QUICK = ("lesion", "phase", "sensors")
NAMES = (
    "pathways", "lesion", "pathways-nonlinear", "phase", "completion-depth", "completion-rank",
    "completion-observations", "completion-subset", "completion-init", "completion-window", "singular-vectors",
    "sensors",
)  # fmt: skip


def test_names_are_those_of_the_paper_and_ours() -> None:
    assert set(NAMES) <= set(FIGURES)
    for name in NAMES:
        assert FIGURES[name].source
        assert FIGURES[name].question.endswith("?")
        assert FIGURES[name].scales == ("small", "paper")


@pytest.mark.slow
def test_importing_the_figures_loads_no_torch() -> None:
    code = f"from critlab.papers import FIGURES; import sys; [FIGURES[n] for n in {NAMES}]; print(*sys.modules)"
    modules = set(
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    )
    assert not modules & {"torch", "scipy", "vl_convert"}


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_tables_are_plain_and_charts_can_be_drawn(name: str) -> None:
    drawing = pytest.importorskip("vl_convert")
    from critlab.report.figures import paper_spec

    figure = FIGURES[name]
    assert figure.tables is not None
    tables = figure.tables("small")
    assert json.loads(json.dumps(tables, allow_nan=False)) == tables
    for chart in figure.charts(tables):
        assert chart.rows
        assert "<path" in drawing.vegalite_to_svg(paper_spec(chart, 6.75))
    compared = [(one, one.ours(tables)) for one in figure.published if one.ours is not None]
    known = [(one, ours) for one, ours in compared if not math.isnan(ours)]
    for one, ours in known:
        assert isinstance(one.value, float | int)
        assert math.isclose(ours, one.value, rel_tol=0.03, abs_tol=0.15), one.what
    assert len(known) >= len(figure.published) - 1
    assert all(row.computed for row in figure.comparisons(tables))
