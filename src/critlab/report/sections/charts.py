"""A chart as plain values for the template: its panels, each with a static image, and its table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from critlab.report.chart import Chart
from critlab.report.sections.tables import table
from critlab.report.text.names import spaced
from critlab.report.web.static import static_svg


def chart_part(chart: Chart, name: str) -> Mapping[str, Any]:
    """What the template shows of ``chart`` in the section called ``name``."""
    panels = [
        {
            "id": f"{name}-{chart.key}" + (f"-{index}" if len(chart.panels) > 1 else ""),
            "title": panel.title,
            "static": static_svg(panel, len(chart.panels) == 1),
            "spec": {**panel.spec, "height": panel.height, "usermeta": {"longestLabel": panel.longest_label}},
        }
        for index, panel in enumerate(chart.panels, start=1)
    ]
    return {
        "id": f"{name}-{chart.key}-figure",
        "title": chart.title,
        "caption": chart.caption,
        "alt": chart.alt,
        "panels": panels,
        "columns": [spaced(column) for column in chart.columns],
        "table": table(chart.rows),
    }
