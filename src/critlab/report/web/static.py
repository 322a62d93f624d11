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
        (r"<g>(<g[^>]*></g>)*</g>|<g[^>]*></g>", ""),
    )
)
"""What an image that does not react can do without: patterns, and what stands instead."""

PLACES = re.compile(r' (d|transform|[xy]2?|width|height|viewBox)="[^"]*"')
DECIMAL = re.compile(r"(\d+)\.(\d)\d*")


def static_svg(panel: Panel, alone: bool) -> Markup:
    """The panel as SVG in the light theme, without descriptions of its marks: the figure is described in words."""
    width = WIDE if alone else NARROW
    settings = config(PAPER_FONT)
    settings["legend"] |= {"orient": "bottom", "direction": "horizontal", "columns": panel.legend_columns(width)}
    size = {"width": width, "height": panel.height, "autosize": {"type": "fit-x", "contains": "padding"}}
    return Markup(_drawn(dumps(coloured({**panel.drawn(width), **size, "config": settings}, LIGHT))))


def _tenths(number: re.Match[str]) -> str:
    """A place to a tenth of a pixel."""
    return f"{number[1]}.{number[2]}".removesuffix(".0")


@cache
def _drawn(spec: str) -> str:
    plain: dict[str, Any] = loads(spec)
    svg: str = drawing().vegalite_to_svg(plain)
    for pattern, shorter in SHORTER:
        svg = pattern.sub(shorter, svg)
    svg = PLACES.sub(lambda place: DECIMAL.sub(_tenths, place[0]), svg)
    return svg.replace("<svg", f'<svg aria-hidden="true" focusable="false" {FONT}', 1)
