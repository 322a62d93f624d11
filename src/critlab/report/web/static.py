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

FONT = f'font-family="{PAPER_FONT}" font-size="11px"'
"""Of most letters, said once."""

SHORTER = tuple(
    (re.compile(pattern), shorter)
    for pattern, shorter in (
        (r' (aria-[a-z]+|role|class|pointer-events|xmlns(:xlink)?|version)="[^"]*"', ""),
        # what waits for a pointer is not seen
        (r'<(path|line)[^>]* opacity="0"/>', ""),
        (r'<path[^>]* display="none"/>', ""),
        (f' {FONT}| (opacity="1"|[xy]2="0"|font-weight="normal"|stroke-miterlimit="10")', ""),
        (r"(\d\.\d)\d+", r"\1"),
        (r"(\d)\.0(?=\D)", r"\1"),
        (r"<g>(<g[^>]*></g>)*</g>|<g[^>]*></g>", ""),
    )
)
"""What an image that does not react can do without: patterns, and what stands instead."""


def static_svg(panel: Panel, alone: bool) -> Markup:
    """The panel as SVG in the light theme, without descriptions of its marks: the figure is described in words."""
    width = WIDE if alone else NARROW
    settings = config(PAPER_FONT)
    columns = max(1, int(width / (panel.letters * 6.2 + 34)))
    settings["legend"] |= {"orient": "bottom", "direction": "horizontal", "columns": columns}
    size = {"width": width, "height": panel.height, "autosize": {"type": "fit-x", "contains": "padding"}}
    return Markup(_drawn(dumps(coloured({**panel.drawn(width), **size, "config": settings}, LIGHT))))


@cache
def _drawn(spec: str) -> str:
    plain: dict[str, Any] = loads(spec)
    svg: str = drawing().vegalite_to_svg(plain)
    for pattern, shorter in SHORTER:
        svg = pattern.sub(shorter, svg)
    return svg.replace("<svg", f'<svg aria-hidden="true" focusable="false" {FONT}', 1)
