"""A chart as plain values for the template: its panels, each with a static image, and its table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from critlab.report.chart import Chart, Panel
from critlab.report.sections.tables import table
from critlab.report.text.names import spaced
from critlab.report.web.static import static_svg


def chart_part(chart: Chart, name: str) -> Mapping[str, Any]:
    """What the template shows of ``chart`` in the section called ``name``."""
    panels: list[dict[str, Any]] = [
        {
            "id": f"{name}-{chart.key}" + (f"-{index}" if len(chart.panels) > 1 else ""),
            "title": panel.title,
            "at": panel.at,
            "places": list(panel.places),
            "static": static_svg(panel, len(chart.panels) == 1),
            "spec": {**panel.spec, "height": panel.height, "usermeta": _about(panel)},
        }
        for index, panel in enumerate(chart.panels, start=1)
    ]
    return {
        "id": f"{name}-{chart.key}-figure",
        "title": chart.title,
        "caption": chart.caption,
        "alt": chart.alt,
        "panels": panels,
        "slider": None if chart.slider is None else asdict(chart.slider),
        "columns": [spaced(column) for column in chart.columns],
        "table": table(chart.rows),
    }


def _about(panel: Panel) -> Mapping[str, Any]:
    """What the script must know to draw a panel at any width."""
    direct = panel.direct
    names = {} if direct is None else {"direct": direct._asdict()}
    return {"letters": panel.letters, "apart": panel.beside, **names}
