"""Panels of the deep linear figures, in the language of the page's charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from critlab.report.chart import Chart, Panel
from critlab.report.theme import ordered

JSON = dict[str, Any]
Tables = Mapping[str, Sequence[JSON]]


def channel(field: str, title: str, **more: Any) -> JSON:
    """A quantitative channel."""
    return {"field": field, "type": "quantitative", "title": title, **more}


def coloured(field: str, title: str | None, names: Sequence[Any], ramp: str = "late") -> JSON:
    """Colour by the names of ``field``, in their order, along an ordered scale."""
    scale = {"domain": list(names), "range": ordered(ramp, len(names))}
    return {"field": field, "type": "nominal", "title": title, "sort": list(names), "scale": scale}


def layer(mark: JSON | str, encoding: JSON, keep: str | None = None, rows: Sequence[JSON] | None = None) -> JSON:
    """One layer: its mark and channels, on the rows that the expression ``keep`` lets through, or on its own rows."""
    found: JSON = {"mark": mark, "encoding": encoding}
    if keep:
        found["transform"] = [{"filter": keep}]
    if rows is not None:
        found["data"] = {"values": list(rows)}
    return found


def layered(rows: Sequence[JSON], *layers: JSON) -> JSON:
    """A specification of several layers over ``rows``."""
    return {"data": {"values": list(rows)}, "layer": list(layers)}


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
        "x": channel("t", "update"),
        "y": channel("k", "mode strength K"),
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
        field: what the lines tell apart.
        x: title of the horizontal axis.
        title: of the legend.
        log: whether the vertical axis is logarithmic.
    """
    names = list(dict.fromkeys(row[field] for row in rows))
    horizontal = channel("x", x)
    colour = coloured(field, title, names)
    scale: JSON = {"type": "log"} if log else {}
    y = channel("median", "reconstruction error", scale=scale)
    band = {"x": horizontal, "y": channel("low", "reconstruction error", scale=scale), "y2": {"field": "high"}}
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
        "x": channel("t", "update"),
        "y": channel("value", y),
        "color": coloured("index", "rank", names, "deep"),
    }
    mark = {"type": "rule", "color": "$deficit", "strokeDash": [4, 3]}
    return layered(
        rows,
        layer({"type": "line", "strokeWidth": 1.5}, encoding),
        layer(mark, {"x": {"field": "at", "type": "quantitative"}}, rows=[{"at": switch}]),
    )


def chart(
    key: str, title: str, caption: str, alt: str, panels: Sequence[tuple[str, JSON]], rows: Sequence[JSON]
) -> Chart:
    """A chart of ``panels`` (title and specification), with ``rows`` as its table."""
    columns = tuple(rows[0]) if rows else ()
    cells = tuple(tuple(row.get(column) for column in columns) for row in rows)
    plots = tuple(Panel(name, spec, 14, 300) for name, spec in panels)
    return Chart(key=key, title=title, caption=caption, alt=alt, panels=plots, columns=columns, rows=cells)


def lookup(rows: Sequence[JSON], value: str, **where: Any) -> float:
    """``value`` of the first row in which every column of ``where`` has its value; not a number where there is none."""
    for row in rows:
        if all(row.get(column) == wanted for column, wanted in where.items()):
            return float(row[value])
    return float("nan")
