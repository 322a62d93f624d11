"""A chart as a plain value: what the page, the files for a paper and the tests all draw from."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any

Cell = str | int | float | None


@dataclass(frozen=True)
class Panel:
    """One plot: a Vega-Lite specification without size and configuration, its data inside.

    Args:
        title: above the plot; empty where the chart has just one.
        spec: the specification; colours are the names of :mod:`critlab.report.theme`.
        longest_label: letters of the longest label in its legend, which decides how many fit in a row.
        height: in pixels on the page.
    """

    title: str
    spec: dict[str, Any]
    longest_label: int = 12
    height: int = 340


@dataclass(frozen=True)
class Chart:
    """One figure of the page.

    Args:
        key: short and fit for a file's name.
        title: says what is drawn.
        caption: how to read it.
        alt: what it shows, for a reader who does not see it.
        panels: the plots, left to right.
        columns: names of the numbers drawn.
        rows: the numbers drawn, complete.
    """

    key: str
    title: str
    caption: str
    alt: str
    panels: tuple[Panel, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def to_csv(self) -> str:
        """The numbers drawn, as CSV."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows(self.rows)
        return text.getvalue()
