"""Each panel of a page as a static image: what is seen before the script has drawn it, and where no script runs."""

from __future__ import annotations

import re
from functools import cache
from json import dumps, loads
from typing import Any

from markupsafe import Markup

from critlab.report.chart import Panel
from critlab.report.theme import LIGHT, PAPER_FONT, coloured, config
from critlab.report.vega import drawing

WIDE, NARROW = 760, 380
"""Pixels of the only panel of a chart, and of one of several; the page scales the image to its column."""


def static_svg(panel: Panel, alone: bool) -> Markup:
    """The panel as SVG in the light theme, without descriptions of its marks: the figure is described in words."""
    width = WIDE if alone else NARROW
    settings = config(PAPER_FONT)
    columns = max(1, int(width / (panel.longest_label * 6.2 + 34)))
    settings["legend"] |= {"orient": "bottom", "direction": "horizontal", "columns": columns}
    size = {"width": width, "height": panel.height, "autosize": {"type": "fit-x", "contains": "padding"}}
    return Markup(_drawn(dumps(coloured({**panel.spec, **size, "config": settings}, LIGHT))))


@cache
def _drawn(spec: str) -> str:
    plain: dict[str, Any] = loads(spec)
    svg: str = drawing().vegalite_to_svg(plain)
    svg = re.sub(r' (aria-[a-z]+|role)="[^"]*"', "", svg)
    svg = re.sub(r"(\d\.\d)\d+", r"\1", svg)
    return svg.replace("<svg", '<svg aria-hidden="true" focusable="false"', 1)
