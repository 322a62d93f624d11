"""Accuracy with both sources and with one of them switched off."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from critlab.analysis.effects.control_comparison import compare_to_control
from critlab.analysis.tables.results import Results
from critlab.papers.figure import Found, Published
from critlab.papers.multisensory.setup import SECONDARY
from critlab.papers.multisensory.units import compared_points, limits
from critlab.report.chart import Chart
from critlab.report.charts.kit import chart, with_intervals
from critlab.report.findings import Comparison, ReadingAt
from critlab.report.text.names import spaced

SOURCES = {"": "both sources", "A": "A alone", "B": "B alone"}
HIDDEN = Published("test accuracy", "about 93 to 94 % whatever the deficit", SECONDARY)


def accuracy_charts(found: Found) -> Sequence[Chart]:
    """Accuracy with both sources and with one of them switched off, at the end, against removal or onset."""
    charts: list[Chart] = []
    for part, results in found.items():
        sweep = results.study.sweep
        place = sweep.words.axis.replace("Deficit", "Deficit of B")
        # a clean run has its place among removals, at 0, but none among onsets
        own = {_own_arm(results), *(["control"] if sweep.origin is not None else [])}
        rows = [
            {"seen": SOURCES[source], "at": point.at, "accuracy": 100 * point.value.mean, **limits(point.value, 100)}
            for source in SOURCES
            for point in compare_to_control(results, "source_accuracy", source)
            if point.arm in own and point.at != "never"
        ]
        if not rows:
            continue
        panel = with_intervals(rows, "at", place, "accuracy", "Test accuracy (%)", "seen", None)
        caption = (
            "At the end of training, with both sources shown and with one of them switched off (the mean colour). "
            "Means over seeds with 95 % t intervals."
        )
        alt = "A chart of accuracy with both sources, A alone and B alone. The numbers follow in a table."
        title = "Accuracy by source" + (f", {spaced(part)}" if len(found) > 1 else "")
        key = "accuracy_by_source" + (f"_{len(charts) + 1}" if len(found) > 1 else "")
        charts.append(chart(key, title, caption, alt, [("", panel)], rows, "95 % t"))
    return charts


def _own_arm(results: Results) -> str:
    return next((run.arm for run in results.study.runs if run.role == "deficit"), "")


def accuracy_comparisons(published: Published) -> Callable[[Found], Sequence[Comparison]]:
    """Accuracy of both sources and of each alone, at the end."""

    def numbers(found: Found) -> Sequence[Comparison]:
        return [
            published.beside(ReadingAt(point), f"accuracy, {seen}{place}")
            for source, seen in SOURCES.items()
            for place, point in compared_points(found, "source_accuracy", source)
        ]

    return numbers
