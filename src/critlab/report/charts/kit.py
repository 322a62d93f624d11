"""The chart kit of the papers' figures: layers, panels and charts with their tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from critlab.report.chart import Chart, Panel
from critlab.report.charts.encoding import JSON, SHAPES, quantity
from critlab.report.charts.shared.axes import shared
from critlab.report.theme import ordered

INTERVAL = "datum.low !== null"
BESIDE = 0.006
"""Of the width of a chart: how far apart intervals at the same place are drawn."""


def with_intervals(
    rows: Sequence[JSON],
    x: str,
    x_title: str,
    y: str,
    y_title: str,
    field: str,
    field_title: str | None,
    same_axis: Sequence[JSON] = (),
) -> JSON:
    """Lines with points and, where ``low`` and ``high`` are known, intervals; these stand next to each other.

    The vertical axis has room for the rows of ``same_axis`` too, so that panels of one row have the same scale.
    """
    names = list(dict.fromkeys(row[field] for row in rows))
    tip = [{"field": name, "type": "nominal"} for name in rows[0]]
    step = BESIDE * (max(row[x] for row in rows) - min(row[x] for row in rows))
    shift = {name: step * (place - (len(names) - 1) / 2) for place, name in enumerate(names)}
    rows = [{**row, "place": row[x] + shift[row[field]]} for row in rows]
    places: Any = quantity("place", x_title, scale={"nice": False, "padding": 12})
    both = {"x": places, "color": coloured(field, field_title, names, "late")}
    reached = [row[part] for row in same_axis for part in (y, "low", "high") if row[part] is not None]
    more = {"scale": {"domain": [min(0.0, *reached), max(reached)], "nice": True}} if reached else {}
    height = quantity(y, y_title, **more)
    limits = {**both, "y": {**height, "field": "low"}, "y2": {"field": "high"}}
    known = any(row["low"] is not None for row in rows)
    return layered(
        rows,
        *([layer({"type": "rule", "strokeWidth": 1.5, "opacity": 0.6}, limits, INTERVAL)] if known else []),
        layer({"type": "line", "strokeWidth": 2}, {**both, "y": height}),
        layer({"type": "point", "filled": True, "size": 60}, {**both, "y": height, "tooltip": tip}),
    )


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


def lookup(rows: Sequence[JSON], value: str, **where: Any) -> float:
    """``value`` of the first row in which every column of ``where`` has its value; not a number where there is none."""
    for row in rows:
        if all(row.get(column) == wanted for column, wanted in where.items()):
            return float(row[value])
    return float("nan")


DOUBTFUL = {"filter": "!datum.trusted"}
WITH_ERROR = {"filter": "isValid(datum.low)"}


def at_line(axis: Literal["x", "y"], channel: JSON, value: float, colour: str = "$soft") -> JSON:
    """A dashed line at ``value`` of ``channel``, with its title: else Vega takes the axis' title away."""
    mark = {"type": "rule", "strokeDash": [4, 3], "color": colour}
    return {"data": {"values": [{channel["field"]: value}]}, "mark": mark, "encoding": {axis: channel}}


def panel(title: str, rows: Sequence[JSON], layers: Sequence[JSON], height: int = 300, letters: int = 14) -> Panel:
    """A panel of ``layers`` over ``rows``, without layers that would have no point."""
    drawn = [layer for layer in layers if not _is_empty(layer, rows)]
    return Panel(title, {"data": {"values": list(rows)}, "layer": drawn}, letters, height)


def _is_empty(layer: JSON, rows: Sequence[JSON]) -> bool:
    """Whether a layer of doubtful points or of error bars has none; Vega warns of the scale of nothing."""
    transform = layer.get("transform", ())
    if DOUBTFUL in transform:
        return all(row.get("trusted", True) for row in rows)
    return WITH_ERROR in transform and all(row.get("low") is None for row in rows)


def shapes(count: int) -> list[str]:
    """The first ``count`` marker shapes."""
    return list(SHAPES[:count])


def pick(rows: Sequence[JSON], **where: Any) -> JSON:
    """The first row in which every column of ``where`` has its value; empty where there is none."""
    return next((row for row in rows if all(row.get(k) == v for k, v in where.items())), {})


def chart(
    key: str,
    title: str,
    caption: str,
    alt: str,
    panels: Sequence[Panel | tuple[str, JSON]],
    rows: Sequence[Mapping[str, Any]],
    interval: str = "",
) -> Chart:
    """A chart of ``panels`` (panels, or titles with specifications) with ``rows`` as its table.

    Columns stand in the order of first appearance.
    """
    columns = tuple(dict.fromkeys(column for row in rows for column in row))
    cells = tuple(tuple(row.get(column) for column in columns) for row in rows)
    plots = tuple(one if isinstance(one, Panel) else Panel(*one, 14, 300) for one in panels)
    plot = shared(plots)
    return Chart(
        key=key, title=title, caption=caption, alt=alt, panels=plot, columns=columns, rows=cells, interval=interval
    )
