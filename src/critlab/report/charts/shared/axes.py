"""Panels that are compared have one vertical axis: those whose axes have the same title and the same kind of scale."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from critlab.report.chart import Panel
from critlab.report.charts.encoding import JSON

AROUND = 0.04
"""Room above and below, as a share of the range."""


def shared(panels: Sequence[Panel]) -> tuple[Panel, ...]:
    """``panels`` with one domain for each group of equal vertical axes; an axis with a domain of its own keeps it."""
    groups: dict[tuple[Any, ...], list[Panel]] = {}
    for panel in panels:
        if (key := _key(panel)) is not None:
            groups.setdefault(key, []).append(panel)
    domains = {key: _domain(key[1], group) for key, group in groups.items() if len(group) > 1}
    return tuple(_with(panel, domains.get(_key(panel) or ())) for panel in panels)


def _axes(panel: Panel) -> Iterator[tuple[JSON, JSON]]:
    """The layers with a quantitative vertical channel, and that channel."""
    for layer in panel.spec.get("layer", ()):
        y = layer.get("encoding", {}).get("y")
        if isinstance(y, dict) and y.get("type") == "quantitative" and "title" in y:
            yield layer, y


def _key(panel: Panel) -> tuple[Any, ...] | None:
    """Title of the axis, kind of scale, and whether zero belongs to it; None where its domain is given."""
    found = [y for _, y in _axes(panel)]
    if not found or any("domain" in y.get("scale", {}) or y.get("stack") for y in found):
        return None
    scale = found[0].get("scale", {})
    return found[0]["title"], scale.get("type", "linear"), scale.get("zero", True)


def _values(panel: Panel) -> Iterator[float]:
    rows = panel.spec.get("data", {}).get("values", ())
    for layer, y in _axes(panel):
        fields = [y["field"], layer["encoding"].get("y2", {}).get("field")]
        for row in layer.get("data", {}).get("values", rows):
            yield from (float(row[one]) for one in fields if one and isinstance(row.get(one), int | float))


def _domain(kind: str, panels: Sequence[Panel]) -> list[float]:
    values = [value for panel in panels for value in _values(panel)]
    zero = all((_key(panel) or (None, None, False))[2] for panel in panels)
    if kind == "log":
        positive = [value for value in values if value > 0]
        return [min(positive), max(positive)] if positive else [1.0, 10.0]
    low, high = min(values, default=0.0), max(values, default=1.0)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    room = AROUND * ((high - low) or 1.0)
    return [low - (room if low < 0 or not zero else 0.0), high + room]


def _with(panel: Panel, domain: list[float] | None) -> Panel:
    if domain is None:
        return panel
    layers = []
    for layer in panel.spec["layer"]:
        y = layer.get("encoding", {}).get("y")
        if any(y is channel for _, channel in _axes(panel)):
            scale = {**y.get("scale", {}), "domain": domain, "nice": True}
            layer = {**layer, "encoding": {**layer["encoding"], "y": {**y, "scale": scale}}}
        layers.append(layer)
    return replace(panel, spec={**panel.spec, "layer": layers})
