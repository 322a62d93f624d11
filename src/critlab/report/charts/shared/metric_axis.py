"""Axes of a metric: in percent and points where it is a fraction of 100, else in its own unit."""

from __future__ import annotations

from typing import Any

from critlab.learning_tasks.metric import Metric
from critlab.report.charts.encoding import HUNDREDTHS, JSON, PLAIN, hundredths, quantity

AXIS = {"labelExpr": PLAIN, "tickCount": 6}


def score_axis(field: str, metric: Metric, title: str, **scale: Any) -> JSON:
    """A vertical channel of values of the metric; ``title`` says which, without unit."""
    if metric.in_points:
        return hundredths(field, f"{title} (%)", **scale)
    unit = f" ({metric.unit})" if metric.unit else ""
    return quantity(field, f"{title}{unit}", axis=dict(AXIS), scale={"zero": False, **scale})


def damage_axis(field: str, metric: Metric, **scale: Any) -> JSON:
    """A vertical channel of damages."""
    if metric.in_points:
        return hundredths(field, f"Damage (percentage points of {metric.title})", **scale)
    of = f"{metric.unit} of {metric.title}" if metric.unit else metric.title
    return quantity(field, f"Damage ({of})", axis=dict(AXIS), scale={"zero": False, **scale})


def grid_axis(metric: Metric) -> JSON:
    """The options of a horizontal axis of damages with grid lines."""
    return {"labelExpr": HUNDREDTHS if metric.in_points else PLAIN, "grid": True, "tickCount": 10}
