"""The parts that charts share: axes, legends and how a click in a legend dims the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from critlab.report.charts.shared.filters import filters

JSON = dict[str, Any]

SHAPES = (
    "circle",
    "square",
    "triangle-up",
    "diamond",
    "cross",
    "triangle-down",
    "triangle-right",
    "triangle-left",
)
HUNDREDTHS = "format(datum.value * 100, '~g')"
PLAIN = "datum.label && format(datum.value, ',~g')"
"""Numbers of an axis or a legend as 120, not 1.2e+2. A label that the scale leaves empty stays empty.

With ``format``, the renderer would choose a number of digits, and ``g`` writes larger numbers with an exponent.
"""
ROUNDED = "datum.label && format(datum.value, abs(datum.value) < 1000 ? '.3~g' : ',.0f')"
"""The same with at most three digits after the first, for the ends of a colour scale, which are any number."""
ZOOM = {
    "name": "zoom",
    "select": {
        "type": "interval",
        "encodings": ["x"],
        # a plain wheel or a finger must go on scrolling the page
        "zoom": "wheel![event.shiftKey]",
        "translate": "[pointerdown[event.pointerType === 'mouse'], window:pointerup] > window:pointermove!",
    },
    "bind": "scales",
}


def specification(rows: Sequence[JSON], layers: Sequence[JSON], seeds_drawn: bool = True) -> JSON:
    """A layered specification over ``rows``, which layers select by their field ``part``.

    Args:
        rows: of the chart; the fields ``arm``, ``at`` and ``seed`` make it take part in the filters of the page.
        layers: what is drawn.
        seeds_drawn: whether single seeds are drawn before a reader chooses some.
    """
    return {"data": {"values": list(rows)}, **filters(rows, seeds_drawn), "layer": list(layers)}


def only(part: str) -> list[JSON]:
    """The transform that keeps one part of the rows."""
    return [{"filter": {"field": "part", "equal": part}}]


def legend(field: str, title: str | None, names: Sequence[str], colours: Sequence[str]) -> dict[str, JSON]:
    """Colour and shape by ``field``, in one legend: never colour alone."""
    shapes = [SHAPES[i % len(SHAPES)] for i in range(len(names))]
    column = {"field": field, "type": "nominal", "title": title, "sort": list(names)}
    return {
        "color": {**column, "scale": {"domain": list(names), "range": list(colours)}},
        "shape": {**column, "scale": {"domain": list(names), "range": shapes}},
    }


def pick(field: str) -> JSON:
    """The parameter that a click in the legend sets."""
    return {"name": "pick", "select": {"type": "point", "fields": [field]}, "bind": "legend"}


def dimmed(opacity: float, otherwise: float = 0.08) -> JSON:
    """``opacity`` for what is picked, or for all where nothing is."""
    return {"condition": {"param": "pick", "value": opacity}, "value": otherwise}


def quantity(field: str, title: str | None, **more: Any) -> JSON:
    """A quantitative channel."""
    return {"field": field, "type": "quantitative", "title": title, **more}


def hundredths(field: str, title: str, **scale: Any) -> JSON:
    """A vertical channel of fractions, labelled in hundredths."""
    return quantity(field, title, axis={"labelExpr": HUNDREDTHS, "tickCount": 6}, scale={"zero": False, **scale})


def tip(field: str, title: str) -> JSON:
    """A line of a tooltip."""
    return {"field": field, "type": "nominal", "title": title}
