"""Panels that the figures of paper 3 share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from critlab.papers.figure import JSON
from critlab.report.charts.encoding import quantity
from critlab.report.charts.kit import coloured, layer, layered


def shaded(start: float, stop: float) -> JSON:
    """The layer that marks the time of a deficit."""
    encoding = {"x": {"field": "start", "type": "quantitative"}, "x2": {"field": "stop"}}
    return layer({"type": "rect", "color": "$soft", "opacity": 0.13}, encoding, rows=[{"start": start, "stop": stop}])


def markers_over_lines(rows: Sequence[JSON], window: tuple[float, float], strengths: Sequence[Any]) -> JSON:
    """Gradient descent as markers over the reduced equations as lines, as the paper draws them.

    Args:
        rows: with ``t``, ``k``, ``mode``, ``pathway``, ``model`` ("descent" or "flow").
        window: of the deficit, shaded.
        strengths: the modes in the order of the legend.
    """
    channels = {
        "x": quantity("t", "update"),
        "y": quantity("k", "mode strength K"),
        "color": coloured("mode", "S", strengths),
    }
    dash = {"field": "pathway", "type": "nominal", "title": "pathway", "scale": {"range": [[1, 0], [5, 3]]}}
    shape = {"field": "pathway", "type": "nominal", "title": "pathway", "scale": {"range": ["circle", "square"]}}
    line = layer({"type": "line", "strokeWidth": 1.6}, {**channels, "strokeDash": dash}, "datum.model == 'flow'")
    marks = layer({"type": "point", "size": 22}, {**channels, "shape": shape}, "datum.model == 'descent'")
    layers = [shaded(*window)] if window[1] > window[0] else []
    # other activations than the linear one have no reduced equations, and so no lines
    lines = [line] if any(row["model"] == "flow" for row in rows) else []
    return layered(rows, *layers, *lines, marks)


def spread_over(rows: Sequence[JSON], field: str, x: str, title: str, log: bool = False) -> JSON:
    """Median and quartiles of the error against ``x``, one line for each value of ``field``.

    Args:
        rows: with ``low``, ``median``, ``high``, ``x`` and ``field``.
        field: by which the lines differ.
        x: title of the horizontal axis.
        title: of the legend.
        log: whether the vertical axis is logarithmic.
    """
    names = list(dict.fromkeys(row[field] for row in rows))
    horizontal = quantity("x", x)
    colour = coloured(field, title, names)
    scale: JSON = {"type": "log"} if log else {}
    y = quantity("median", "reconstruction error", scale=scale)
    band = {"x": horizontal, "y": quantity("low", "reconstruction error", scale=scale), "y2": {"field": "high"}}
    tip = [{"field": name, "type": "nominal"} for name in (field, "x", "median", "low", "high", "n")]
    return layered(
        rows,
        layer({"type": "area", "opacity": 0.14}, {**band, "color": colour}),
        layer({"type": "line", "strokeWidth": 2}, {"x": horizontal, "y": y, "color": colour}),
        layer(
            {"type": "point", "filled": True, "size": 50}, {"x": horizontal, "y": y, "color": colour, "tooltip": tip}
        ),
    )


def traces(rows: Sequence[JSON], switch: float, y: str = "singular value") -> JSON:
    """Singular values over time, the switch of tasks marked by a vertical line.

    Args:
        rows: with ``t``, ``value`` and ``index``.
        switch: update at which the deficit ends.
        y: title of the vertical axis.
    """
    names = sorted({row["index"] for row in rows})
    encoding = {
        "x": quantity("t", "update"),
        "y": quantity("value", y),
        "color": coloured("index", "rank", names, "deep"),
    }
    mark = {"type": "rule", "color": "$deficit", "strokeDash": [4, 3]}
    return layered(
        rows,
        layer({"type": "line", "strokeWidth": 1.5}, encoding),
        layer(mark, {"x": {"field": "at", "type": "quantitative"}}, rows=[{"at": switch}]),
    )
