"""Names at the ends of lines instead of a legend, where there is room for them."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any, NamedTuple

from critlab.report.chart import Direct
from critlab.report.charts.encoding import JSON
from critlab.report.charts.shared.filters import HIDDEN_ARMS

LETTERS, LETTER, LINE = 24, 6.3, 14
"""Letters of a line of a label, and the pixels of a letter and of a line."""

GAP, AROUND = 10, 4
"""Pixels between plot and label, and between two labels."""

PLOT = 340
"""Pixels that the plot keeps; with less, the legend stays."""

MOST = 7
"""How many lines are named directly."""


class Ending(NamedTuple):
    """The end of a line: its name and colour, where it is, and whether a click on its name singles it out."""

    name: str
    colour: str
    x: float
    y: float
    picks: bool = True


def direct_labels(
    layers: Sequence[JSON], endings: Sequence[Ending], where: JSON, domain: Sequence[float], height: int, field: str
) -> Direct | None:
    """``layers`` without their legend, with a label for each line; None where there are too many labels.

    Args:
        layers: of the chart.
        endings: of its lines.
        where: the channels ``x`` and ``y``, which name their fields.
        domain: of the vertical axis.
        height: of the plot in pixels.
        field: what a click on a label picks.
    """
    texts = [_in_lines(one.name) for one in endings]
    places = _apart([(domain[1] - one.y) / (domain[1] - domain[0]) * height for one in endings], texts, height)
    if len(endings) > MOST or places is None:
        return None
    x, y = where["x"]["field"], where["y"]["field"]
    span = domain[1] - domain[0]
    rows: list[JSON] = [
        {
            "label": text,
            "colour": one.colour,
            field: one.name,
            x: one.x,
            y: one.y,
            "at label": domain[1] - place / height * span,
        }
        for one, text, place in zip(endings, texts, places, strict=True)
    ]
    picked = [row for row, one in zip(rows, endings, strict=True) if one.picks]
    fixed = [row for row, one in zip(rows, endings, strict=True) if not one.picks]
    # not by the scale of the lines, which would bring their legend back
    colour: JSON = {"field": "colour", "type": "nominal", "scale": None, "legend": None}
    label: JSON = {"x": {"value": "width"}, "y": {**where["y"], "field": "at label"}, "text": {"field": "label"}}
    letters: JSON = {"type": "text", "align": "left", "baseline": "middle", "dx": GAP, "lineBreak": "\n", "clip": False}
    pick = {"name": "pick", "select": {"type": "point", "fields": [field], "on": "click", "clear": "dblclick"}}
    dim: JSON = {"opacity": {"condition": {"param": "pick", "value": 1}, "value": 0.25}}
    # names of curves that a reader has hidden go with them
    kept: JSON = {"transform": [{"filter": f"indexof({HIDDEN_ARMS}, datum.arm) < 0"}]} if field == "arm" else {}
    line: JSON = {
        "data": {"values": rows},
        **kept,
        "mark": {"type": "rule", "strokeWidth": 0.75, "opacity": 0.5, "x2Offset": GAP - 3, "clip": False},
        "encoding": {
            "x": where["x"],
            "x2": {"value": "width"},
            "y": where["y"],
            "y2": {"field": "at label"},
            "color": colour,
        },
    }
    found: list[JSON] = [
        line,
        {
            "data": {"values": picked},
            **kept,
            "params": [pick],
            "mark": letters,
            "encoding": {**label, "color": colour, **dim},
        },
    ]
    if fixed:
        found.append({"data": {"values": fixed}, "mark": letters, "encoding": {**label, "color": colour}})
    room = round(LETTER * max(len(line) for text in texts for line in text.split("\n"))) + GAP + 6
    return Direct((*map(_without_legend, layers), *found), PLOT + room)


def _in_lines(name: str) -> str:
    """A name in lines of at most :data:`LETTERS` letters, with what stands in brackets on lines of its own."""
    whole, bracket, rest = name.partition(" (")
    parts = [whole, f"({rest}"] if bracket and len(name) > LETTERS else [name]
    return "\n".join(line for part in parts for line in textwrap.wrap(part, LETTERS, break_long_words=False))


def _without_legend(layer: JSON) -> JSON:
    """The layer without legends, and without what a click in them picks."""
    encoding = {
        channel: {**value, "legend": None} if channel in ("color", "shape") and "field" in value else value
        for channel, value in layer["encoding"].items()
    }
    params = [one for one in layer.get("params", ()) if one.get("bind") != "legend"]
    rest = {key: value for key, value in layer.items() if key != "params"}
    return {**rest, "encoding": encoding, **({"params": params} if params else {})}


def _apart(places: Sequence[float], texts: Sequence[str], height: int) -> list[float] | None:
    """The places moved apart, as little as one pass down and one up do; None where they do not fit."""
    halves = [LINE * (text.count("\n") + 1) / 2 + AROUND / 2 for text in texts]
    if 2 * sum(halves) > height:
        return None
    found: list[Any] = list(places)
    order = sorted(range(len(places)), key=lambda index: places[index])
    edge = 0.0
    for index in order:
        found[index] = max(found[index], edge + halves[index])
        edge = found[index] + halves[index]
    edge = float(height)
    for index in reversed(order):
        found[index] = min(found[index], edge - halves[index])
        edge = found[index] - halves[index]
    return found
