"""What is drawn: one file a kind of chart, each a function from results to charts; none where there are no numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from critlab.analysis.tables.results import Results
from critlab.report.chart import Chart
from critlab.report.charts.damages import damage_charts
from critlab.report.charts.design.timeline import timeline_charts
from critlab.report.charts.design.tree import tree_charts
from critlab.report.charts.layers import layer_charts
from critlab.report.charts.learning_rate import rate_charts
from critlab.report.charts.quantities import quantity_charts
from critlab.report.charts.sliders.classes import class_charts
from critlab.report.charts.sliders.player import player_charts
from critlab.report.charts.sweep import sweep_charts
from critlab.report.charts.timing import study_timing_charts
from critlab.report.charts.training import learning_charts

CHARTS: tuple[Callable[[Results], Iterator[Chart]], ...] = (
    study_timing_charts,
    sweep_charts,
    damage_charts,
    timeline_charts,
    tree_charts,
    player_charts,
    class_charts,
    learning_charts,
    rate_charts,
    quantity_charts,
    layer_charts,
)
"""In the order of the page."""


def charts(results: Results) -> list[Chart]:
    """Every chart that the results have numbers for, in the order of the page."""
    return [chart for make in CHARTS for chart in make(results)]
