"""The damage along a sweep on axes of matplotlib, for those who lay out their own figures."""

from __future__ import annotations

from typing import Any

from critlab._core.errors import StudyError
from critlab.analysis.curve_points import CurvePoint
from critlab.analysis.tables.results import Results
from critlab.report.charts.shared.metric_axis import damage_axis
from critlab.report.text.names import arm_words, place_title
from critlab.report.theme import LIGHT

COLOURS = ("$deficit", "$negative", "$clock", "$late6", "$late20", "$deep6")


def plot(results: Results, ax: Any) -> Any:
    """Draw the damage of every curve in the unit of the study's metric on ``ax``; None makes new axes.

    Intervals are those of each point alone.

    Raises:
        StudyError: new axes need matplotlib, which is not installed.
    """
    axes, factor = _axes() if ax is None else ax, results.metric.factor
    for index, arm in enumerate(results.arms):
        points = [point for point in results.curve(arm).points if isinstance(point.at, int)]
        if points:
            axes.errorbar(
                [point.at for point in points],
                [factor * point.damage.value for point in points],
                yerr=[[factor * _half(point, limit) for point in points] for limit in ("low", "high")],
                color=LIGHT[COLOURS[index % len(COLOURS)]],
                marker="os^Dv"[index % 5],
                capsize=2,
                label=arm_words(results.study, arm),
            )
    axes.axhline(factor * results.study.statistics.smallest_damage, color=LIGHT["$soft"], linestyle=":")
    axes.set_xlabel(place_title(results.study))
    axes.set_ylabel(damage_axis("damage", results.metric)["title"])
    axes.legend()
    return axes


def _half(point: CurvePoint, limit: str) -> float:
    """How far the interval reaches on one side; 0 where one seed has none."""
    value = point.low if limit == "low" else point.high
    return 0.0 if value is None else abs(value - point.damage.value)


def _axes() -> Any:
    try:
        from matplotlib import pyplot
    except ImportError:
        raise StudyError("results.plot needs matplotlib, which is missing: pip install 'critlab[plot]'") from None
    return pyplot.subplots()[1]
