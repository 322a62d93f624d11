"""The colours of page and charts, light and dark, and how charts are set in type.

Charts are written with names of colours (``"$deficit"``) and become concrete here, or in the page's script when
the reader's system changes between light and dark. The colours of arms are those of Okabe and Ito, shifted in
lightness for contrast.
"""

from __future__ import annotations

from typing import Any

SCREEN_FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'
PAPER_FONT = "Liberation Sans"
"""The renderer brings this font, under the SIL Open Font Licence, so a figure is the same on every machine."""

STEPS = 20
"""Names of an ordered scale run from 0 to this: ``"$late0"`` to ``"$late20"``."""


def _ramp(name: str, stops: tuple[str, ...]) -> dict[str, str]:
    """The names of an ordered scale, its colours interpolated between ``stops``."""
    found = {}
    for step in range(STEPS + 1):
        place = step / STEPS * (len(stops) - 1)
        index = min(int(place), len(stops) - 2)
        found[f"${name}{step}"] = _mixed(stops[index], stops[index + 1], place - index)
    return found


def _mixed(first: str, second: str, share: float) -> str:
    channels = ((int(first[i : i + 2], 16), int(second[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in channels)


# The dark end of an ordered scale is lost on dark paper and its light end on white, so each theme has its own.
LIGHT: dict[str, str] = {
    "$paper": "#ffffff",
    "$ink": "#1c1b19",
    "$soft": "#5f5c57",
    "$rule": "#dcd8d1",
    "$grid": "#efece7",
    "$control": "#6b6862",
    "$deficit": "#c2490b",
    "$negative": "#00785a",
    "$clock": "#0a64a4",
    **_ramp("late", ("#2b3f8f", "#6a3a9a", "#a8347a", "#c2490b", "#cf9000")),
    **_ramp("deep", ("#0f3b4c", "#1f6f78", "#5aa68a", "#a9cf9b", "#e6efc4")),
}
DARK: dict[str, str] = {
    "$paper": "#171614",
    "$ink": "#eceae5",
    "$soft": "#a9a59d",
    "$rule": "#3a3834",
    "$grid": "#282623",
    "$control": "#a39f97",
    "$deficit": "#f3864a",
    "$negative": "#3fc59d",
    "$clock": "#66b5ec",
    **_ramp("late", ("#8ea4ff", "#b793f2", "#ea86bd", "#f3864a", "#f2c75a")),
    **_ramp("deep", ("#21566a", "#2f8187", "#5aa68a", "#98c48f", "#d3e0ae")),
}


def ordered(name: str, count: int) -> list[str]:
    """Names of ``count`` colours, evenly along the ordered scale ``name``."""
    return [f"${name}{round(i / max(1, count - 1) * STEPS)}" for i in range(count)]


def config(font: str, size: float = 12, smaller: float = 1) -> dict[str, Any]:
    """The Vega-Lite configuration of every chart, in names of colours.

    Args:
        font: font families, first choice first.
        size: of titles, in pixels.
        smaller: by how much labels are smaller.
    """
    label = {"labelFontSize": size - smaller, "titleFontSize": size - smaller, "titleFontWeight": "normal"}
    lines = {"domainColor": "$rule", "tickColor": "$rule", "gridColor": "$grid"}
    return {
        "background": "$paper",
        "font": font,
        "view": {"stroke": None},
        "axis": {
            **label,
            **lines,
            "labelColor": "$soft",
            "titleColor": "$soft",
            "titlePadding": 8,
            "labelPadding": 4,
        },
        "axisX": {"grid": False},
        "axisY": {"domain": False, "ticks": False},
        "legend": {
            **label,
            "labelColor": "$ink",
            "titleColor": "$soft",
            "labelLimit": 260,
            "symbolOpacity": 1,
            "symbolSize": 70,
            "columnPadding": 14,
            "rowPadding": 4,
        },
        "title": {"color": "$ink", "fontSize": size, "fontWeight": 600, "anchor": "start", "offset": 8},
        "text": {"color": "$ink", "fontSize": size - smaller},
    }


def coloured(value: Any, colours: dict[str, str]) -> Any:
    """``value``, JSON values all through, with every name of a colour replaced by the colour."""
    if isinstance(value, dict):
        return {key: coloured(inner, colours) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [coloured(inner, colours) for inner in value]
    return colours.get(value, value) if isinstance(value, str) else value
