"""What the figures of paper 1 draw of several studies together, beside each study's own charts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

from critlab.analysis.results import Results
from critlab.presets.critical_periods_trace import beside_sensitivity, fit, traces
from critlab.presets.deep_linear_panels import JSON, channel, chart, coloured, layer, layered
from critlab.presets.preset import Found
from critlab.report.chart import Chart
from critlab.report.wording import place_title, spaced, window_words

REMOVED = "Deficit removed after epoch"
INTERVAL = "datum.low !== null"
BESIDE = 0.006
"""Of the width of a chart: how far apart intervals at the same place are drawn."""


def damage_by_part(
    key: str, title: str, what: str, against: Literal["first", "equal_total"] = "first"
) -> Callable[[Found], Sequence[Chart]]:
    """One curve of damage for each part of a figure.

    Args:
        key: of the chart.
        title: of the chart.
        what: what the parts differ in; all sweep the same.
        against: the clean runs that damage is counted from; those of equal length where the learning rate does not
            fall, as the longer training of a run with a deficit would help a clean network too.
    """
    beside = "clean run of the same seed" + (" and the same length" if against == "equal_total" else "")

    def drawn(found: Found) -> Sequence[Chart]:
        studies = [results.study for results in found.values()]
        removal = studies[0].sweep.kind == "removal"
        at, place = "removed" if removal else "onset", place_title(studies[0])
        rows = [
            {
                "part": part,
                at: point.at,
                "damage": 100 * point.damage.value,
                "low": None if point.low is None else 100 * point.low,
                "high": None if point.high is None else 100 * point.high,
                "accuracy": 100 * point.accuracy.value,
                "n": point.n,
            }
            for part, results in found.items()
            for point in results.curve(against=against).points
            if point.at != "never"
        ]
        if not rows:
            return []
        suffered = " or ".join(dict.fromkeys(window_words(study) for study in studies))
        window = "from the first epoch until removal" if removal else "in a window that begins at each epoch shown"
        caption = (
            f"Points of test accuracy lost to {suffered} {window}, by {what}; means over seeds paired with "
            f"the {beside}, 95 % t intervals."
        )
        against_what = "removal epoch" if removal else "onset"
        alt = f"A chart of damage against {against_what}, one line for each {what}. The numbers follow in a table."
        panel = with_intervals(rows, at, place, "damage", "Damage (points)", "part", what)
        return [chart(key, title, caption, alt, [("", panel)], rows)]

    return drawn


def with_intervals(
    rows: Sequence[JSON],
    x: str,
    x_title: str,
    y: str,
    y_title: str,
    field: str,
    field_title: str | None,
    beside: Sequence[JSON] = (),
) -> JSON:
    """Lines with points and, where ``low`` and ``high`` are known, intervals; these stand beside each other.

    The vertical axis has room for the rows of ``beside`` too, so that panels of one row are read off alike.
    """
    names = list(dict.fromkeys(row[field] for row in rows))
    tip = [{"field": name, "type": "nominal"} for name in rows[0]]
    step = BESIDE * (max(row[x] for row in rows) - min(row[x] for row in rows))
    shift = {name: step * (place - (len(names) - 1) / 2) for place, name in enumerate(names)}
    rows = [{**row, "place": row[x] + shift[row[field]]} for row in rows]
    places: Any = channel("place", x_title, scale={"nice": False, "padding": 12})
    both = {"x": places, "color": coloured(field, field_title, names, "late")}
    reached = [row[part] for row in beside for part in (y, "low", "high") if row[part] is not None]
    more = {"scale": {"domain": [min(0.0, *reached), max(reached)], "nice": True}} if reached else {}
    height = channel(y, y_title, **more)
    limits = {**both, "y": {**height, "field": "low"}, "y2": {"field": "high"}}
    return layered(
        rows,
        layer({"type": "rule", "strokeWidth": 1.5, "opacity": 0.6}, limits, INTERVAL),
        layer({"type": "line", "strokeWidth": 2}, {**both, "y": height}),
        layer({"type": "point", "filled": True, "size": 60}, {**both, "y": height, "tooltip": tip}),
    )


def fisher_charts(found: Found) -> Sequence[Chart]:
    """The trace through training, and the sensitivity beside it."""
    return [*_trace_chart(found["trace"]), *_fit_chart(found["sensitivity"])]


def _trace_chart(results: Results) -> list[Chart]:
    rows = [
        {"run": run.label, "epoch": epoch, "trace": value.mean, "low": value.low, "high": value.high, "n": value.n}
        for run in traces(results)
        for epoch, value in zip(run.epochs, run.values, strict=True)
    ]
    if not rows:
        return []
    panel = with_intervals(rows, "epoch", "Epoch", "trace", "Trace of the Fisher information", "run", "Blur")
    caption = "Means over seeds with 95 % t intervals, on clean training images, labels drawn from the model."
    alt = "A chart of the trace of the Fisher information by epoch, clean and with blur. The numbers follow in a table."
    return [chart("trace", "The information in the weights rises, then falls", caption, alt, [("", panel)], rows)]


def _fit_chart(results: Results) -> list[Chart]:
    rows = [
        {"onset": onset, "damage": 100 * damage, "trace": trace} for onset, damage, trace in beside_sensitivity(results)
    ]
    made = fit(results)
    if not rows:
        return []
    both = {"x": channel("damage", "Damage of the window (points)"), "y": channel("trace", "Trace of the clean run")}
    names = {**both, "text": {"field": "onset", "type": "nominal"}}
    layers = [
        layer({"type": "point", "filled": True, "size": 70, "color": "$deficit"}, both),
        layer({"type": "text", "dx": 9, "dy": -7, "align": "left"}, names),
    ]
    words = ""
    if made is not None:
        lowest, highest = (choose(row["damage"] for row in rows) for choose in (min, max))
        steps = [lowest + (highest - lowest) * step / 40 for step in range(41)]
        line = [{"damage": x, "trace": made.amplitude * math.exp(made.rate * x / 100)} for x in steps]
        layers.insert(0, layer({"type": "line", "color": "$ink", "strokeDash": [5, 3]}, both, rows=line))
        words = f" The line is the exponential fit, R2 = {made.r_squared:.2f}."
    caption = (
        "Each point is a window of blur, numbered by its onset: what it costs in the end, and the mean trace of the "
        f"clean run during it.{words}"
    )
    alt = "A chart of the clean trace against the damage of a window, one point for each onset. A table follows."
    return [
        chart(
            "trace_and_sensitivity", "Sensitivity and information", caption, alt, [("", layered(rows, *layers))], rows
        )
    ]


def layers_charts(found: Found) -> Sequence[Chart]:
    """How far the layer shares still move after removal, against the removal epoch."""
    rows = [
        {
            "deficit": spaced(one.arm),
            "removed": one.removal,
            "moved": one.distance.mean,
            "low": one.distance.low,
            "high": one.distance.high,
            "noise": one.floor,
            "n": one.distance.n,
        }
        for one in next(iter(found.values())).plasticity()
    ]
    if not rows:
        return []
    title = "Total variation of the layer shares"
    panel = with_intervals(rows, "removed", REMOVED, "moved", title, "deficit", None)
    caption = (
        "How far each layer's share of the trace moves between removal and the end: 0 is frozen, 1 is everything; "
        "means over seeds, 95 % t intervals. The column noise is what the readings' errors alone would show."
    )
    alt = "A chart of the movement of the layer shares against removal epoch. The numbers follow in a table."
    return [chart("plasticity", "Information plasticity", caption, alt, [("", panel)], rows)]
