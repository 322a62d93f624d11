"""Every chart as files for a paper: SVG, PNG and the numbers as CSV."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

from critlab.analysis.tables.results import Results
from critlab.report.chart import Chart, Panel
from critlab.report.charts import charts
from critlab.report.findings import Findings
from critlab.report.theme import LIGHT, PAPER_FONT, coloured, config
from critlab.report.vega import drawing
from critlab.store.delivery import deliver

COLUMN_INCHES = {"single": 3.25, "double": 6.75}
PIXELS_PER_INCH = 96
SCALE = 3


def save_figures(results: Results | Findings, folder: str | Path) -> list[Path]:
    """Writes every chart of a study's results, or of a theory's findings, into ``folder``, making it.

    Charts with one plot come at the width of one column and of two (``damage-single.svg``, ``damage-double.svg``),
    those with several at two columns; PNG has 288 pixels an inch. The numbers are ``damage.csv``.

    Returns:
        The files written.

    Raises:
        StudyError: vl-convert-python is not installed.
    """
    library, folder = drawing(), Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for chart in charts(results) if isinstance(results, Results) else results.charts:
        numbers = folder / f"{chart.key}.csv"
        deliver(numbers, chart.to_csv().encode())
        written.append(numbers)
        for column in COLUMN_INCHES if len(chart.panels) == 1 else ("double",):
            spec = paper_spec(chart, COLUMN_INCHES[column])
            svg, png = (folder / f"{chart.key}-{column}.{form}" for form in ("svg", "png"))
            deliver(svg, library.vegalite_to_svg(spec).encode())
            deliver(png, library.vegalite_to_png(spec, scale=SCALE, ppi=72))
            written += [svg, png]
    return written


def paper_spec(chart: Chart, inches: float) -> dict[str, Any]:
    """The complete Vega-Lite specification of ``chart`` on white, ``inches`` wide to within a pixel a panel."""
    width = inches * PIXELS_PER_INCH
    settings = config(PAPER_FONT, 10)
    longest = max(panel.longest_label for panel in chart.panels)
    columns = max(1, int(width / (longest * 5.4 + 40)))
    settings["legend"] |= {"orient": "bottom", "direction": "horizontal", "columns": columns}
    around: dict[str, Any] = {"padding": 4, "config": settings}
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
    return {**panel.spec, "width": width, "height": round(width * 0.62), "autosize": autosize}


def _beside(panels: tuple[Panel, ...], width: float) -> dict[str, Any]:
    """Panels in a row, the plot of each ``width`` pixels wide without its axes."""
    size = {"width": math.floor(width), "height": 185}
    plots = [{**panel.spec, **size, "title": panel.title} for panel in panels]
    return {"hconcat": plots, "spacing": 14}
