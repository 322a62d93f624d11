"""Every chart as files for a paper: PDF, SVG, PNG, its specification, the numbers as CSV and the caption as text."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from critlab._core.errors import StudyError
from critlab._core.user_code.values import instance, path
from critlab.analysis.tables.results import Results
from critlab.report.chart import Chart, Panel
from critlab.report.charts import charts
from critlab.report.charts.shared.filters import as_drawn
from critlab.report.findings import Findings
from critlab.report.paper_style import POINTS_PER_INCH, PaperStyle
from critlab.report.theme import LIGHT, PAPER_FONT, coloured, config
from critlab.report.vega import drawing
from critlab.store.delivery import deliver

DOTS_PER_INCH = 300
TEXT_POINTS = 8
LETTER = 4.3
"""Points of a letter in a legend."""


def save_figures(results: Results | Findings, folder: str | Path, style: PaperStyle | None = None) -> list[Path]:
    """Writes every chart of a study's results, or of a theory's findings, into ``folder``, making it.

    Charts with one plot come at the width of one column and of two (``damage-single.pdf``, ``damage-double.pdf``),
    those with several at two columns; ``style`` chooses another width. Text has 8 points. PDF has its fonts inside,
    PNG has 300 dots an inch and says so. ``damage.csv`` has the numbers, with those of each seed; ``damage.txt`` the
    caption with n, interval and test; ``damage-single.json`` the Vega-Lite specification.

    Returns:
        The files written.

    Raises:
        StudyError: vl-convert-python is not installed, an argument is not what it should be, or ``folder`` cannot be
            made.
    """
    instance(results, "results", (Results, Findings), "what critlab.run or critlab.load_results returns")
    place = path(folder, "folder")
    chosen = PaperStyle() if style is None else style
    instance(chosen, "style", PaperStyle, "a critlab.PaperStyle, or None")
    library = drawing()
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StudyError(f"folder: {place} cannot be made: {error.strerror}; give another folder") from None
    written: list[Path] = []
    drawn = charts(results) if isinstance(results, Results) else results.charts
    for chart in (one for one in drawn if one.for_paper):
        for name, content in _files(chart, chosen, library):
            deliver(place / name, content)
            written.append(place / name)
    return written


def _files(chart: Chart, style: PaperStyle, library: ModuleType) -> Iterator[tuple[str, bytes]]:
    """The files of one chart by name, as far as ``style`` wants them."""
    if "csv" in style.formats:
        yield f"{chart.key}.csv", chart.to_csv(whole=True).encode()
    if "txt" in style.formats:
        yield f"{chart.key}.txt", chart.description().encode()
    if not {"pdf", "svg", "png", "json"}.intersection(style.formats):
        return
    for column, points in style.widths(len(chart.panels)).items():
        spec, stem = paper_spec(chart, points / POINTS_PER_INCH, style.font), f"{chart.key}-{column}"
        if "json" in style.formats:
            yield f"{stem}.json", json.dumps(spec, ensure_ascii=False).encode()
        if "svg" in style.formats:
            yield f"{stem}.svg", _in_points(library.vegalite_to_svg(spec)).encode()
        if "pdf" in style.formats:
            yield f"{stem}.pdf", library.vegalite_to_pdf(spec)
        if "png" in style.formats:
            yield f"{stem}.png", library.vegalite_to_png(spec, scale=1, ppi=DOTS_PER_INCH)


def _in_points(svg: str) -> str:
    """An SVG whose size is in points, like that of the PDF, and not in pixels of a screen."""
    return re.sub(r'(<svg[^>]*?) width="([\d.]+)" height="([\d.]+)"', r'\1 width="\2pt" height="\3pt"', svg, count=1)


def paper_spec(chart: Chart, inches: float, font: str = PAPER_FONT) -> dict[str, Any]:
    """The complete Vega-Lite specification of ``chart`` on white, ``inches`` wide to within a point a panel.

    A pixel of the specification is a point.
    """
    width = inches * POINTS_PER_INCH
    settings = config(font, TEXT_POINTS, smaller=0)
    columns = min(panel.legend_columns(width, LETTER) for panel in chart.panels)
    settings["legend"] |= {"orient": "bottom", "direction": "horizontal", "columns": columns, "symbolSize": 40}
    around: dict[str, Any] = {"padding": 3, "config": settings}
    if len(chart.panels) == 1:
        return _concrete({**_alone(chart.panels[0], width), **around})
    # Vega fits the plots of a row into no width, so what stands around them is measured first
    each = width / len(chart.panels)
    drawn = re.search(
        r'width="([\d.]+)"', drawing().vegalite_to_svg(_concrete({**_beside(chart.panels, each), **around}))
    )
    excess = float(drawn[1]) - width if drawn else 0.0
    return _concrete({**_beside(chart.panels, each - excess / len(chart.panels)), **around})


def _concrete(spec: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = coloured(spec, LIGHT)
    return found


def _alone(panel: Panel, width: float) -> dict[str, Any]:
    autosize = {"type": "fit-x", "contains": "padding"}
    return {**as_drawn(panel.spec), "width": width, "height": round(width * 0.62), "autosize": autosize}


def _beside(panels: tuple[Panel, ...], width: float) -> dict[str, Any]:
    """Panels in a row, the plot of each ``width`` pixels wide without its axes."""
    size = {"width": max(math.floor(width), 20), "height": 140}
    plots = [{**as_drawn(panel.spec), **size, "title": panel.title} for panel in panels]
    return {"hconcat": plots, "spacing": 10}
