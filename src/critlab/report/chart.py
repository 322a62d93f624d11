"""A chart as a plain value: what the page, the files for a paper and the tests all draw from."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

ON_SCREEN = re.compile(r"\b(Hover|[Cc]lick|Drag|scroll)\b")
"""Sentences of a caption that are about a page alone."""

Cell = str | int | float | None


LETTER, SYMBOL = 6.2, 34
"""Pixels of a letter, and of a symbol in a legend with the room around it."""

MOST_BESIDE = 28
"""Letters of a name on an axis that are shown, as far as legends go by them."""


class Direct(NamedTuple):
    """The layers that name lines at their ends, and the least width in pixels of a plot that has room for names."""

    layer: tuple[dict[str, Any], ...]
    least: int


@dataclass(frozen=True)
class Panel:
    """One plot: a Vega-Lite specification without size and configuration, its data inside.

    Args:
        title: above the plot; empty where the chart has just one.
        spec: the specification; colours are the names of :mod:`critlab.report.theme`.
        longest_label: letters of the longest label in its legend, which decides how many fit in a row.
        height: in pixels on the page.
        direct: what stands instead of the legend where there is room; None where nothing does.
        at: the point of the sweep that the panel shows; empty where it shows several or none.
        places: where on the horizontal axis the values of the chart's slider stand, for the pointer; empty for nowhere.
    """

    title: str
    spec: dict[str, Any]
    longest_label: int = 12
    height: int = 340
    direct: Direct | None = None
    at: str = ""
    places: tuple[float, ...] = ()

    @property
    def letters(self) -> int:
        """Letters of the longest label in its legend: what was given, or more where the colours have longer names."""
        scales = (
            channel.get("scale") or {}
            for layer in self.spec.get("layer", ())
            for name, channel in layer.get("encoding", {}).items()
            if name in ("color", "shape") and isinstance(channel, dict) and channel.get("type") == "nominal"
        )
        return max([self.longest_label, *(len(str(one)) for scale in scales for one in scale.get("domain", ()))])

    @property
    def beside(self) -> int:
        """Letters of the longest name on the vertical axis, to the right of which a legend begins; 0 for numbers."""
        names = [
            str(row[channel["field"]])
            for layer in self.spec.get("layer", ())
            if (channel := layer.get("encoding", {}).get("y", {})).get("type") == "nominal"
            for row in self.spec["data"]["values"]
            if channel["field"] in row
        ]
        return min(max((len(line) for name in names for line in name.split("\n")), default=0), MOST_BESIDE)

    def legend_columns(self, width: float, letter: float = LETTER, symbol: float = SYMBOL) -> int:
        """How many names of a legend stand in a row.

        Args:
            width: of the plot with its axes, in pixels.
            letter: width of a letter.
            symbol: width of a symbol with the room around it.
        """
        return max(1, int((width - letter * self.beside) / (self.letters * letter + symbol)))

    def drawn(self, width: float) -> dict[str, Any]:
        """The specification for a place that is so many pixels wide: with names at lines where these fit."""
        if self.direct is None or width < self.direct.least:
            return self.spec
        return {**self.spec, "layer": list(self.direct.layer)}


@dataclass(frozen=True)
class Slider:
    """Moves a parameter of all panels of a chart.

    Args:
        name: of the parameter.
        label: what a reader moves.
        values: which it can have, as text.
        start: the place of the value that is drawn first.
    """

    name: str
    label: str
    values: tuple[str, ...]
    start: int


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
        interval: what the columns ``low`` and ``high`` are, such as ``"95 % t"``; empty where there are none.
        test: how it is decided whether a difference is there; empty where nothing is tested.
        seeds: of each row the values of its seeds, in the same order; empty where they are not known.
        slider: what a reader moves; None for nothing.
        for_paper: whether it says something on paper that no other chart says.
    """

    key: str
    title: str
    caption: str
    alt: str
    panels: tuple[Panel, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    interval: str = ""
    test: str = ""
    seeds: tuple[Mapping[int, float], ...] = ()
    slider: Slider | None = None
    for_paper: bool = True

    def to_csv(self, whole: bool = False) -> str:
        """The numbers drawn, as CSV.

        Args:
            whole: name the interval in its columns, and add a column for each seed.
        """
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        if not whole:
            writer.writerow(self.columns)
            writer.writerows(self.rows)
            return text.getvalue()
        names = sorted({seed for values in self.seeds for seed in values})
        writer.writerow([*map(self._named, self.columns), *(f"seed {seed}" for seed in names)])
        own = self.seeds or ({},) * len(self.rows)
        for row, values in zip(self.rows, own, strict=True):
            writer.writerow([*row, *(values.get(seed) for seed in names)])
        return text.getvalue()

    def _named(self, column: str) -> str:
        limit = column in ("low", "high") or column.endswith(("_low", "_high"))
        return f"{column} ({self.interval})" if limit and self.interval else column

    def description(self) -> str:
        """Title and caption as text for a paper, with n, interval and test."""
        sentences = re.split(r"(?<=[.])\s+", self.caption)
        found = [f"{self.title}.", *(one for one in sentences if not ON_SCREEN.search(one))]
        if "n" in self.columns:
            place = self.columns.index("n")
            counts = sorted({cell for row in self.rows if isinstance(cell := row[place], int) and cell})
            if counts:
                found.append(f"n = {counts[0]}{f' to {counts[-1]}' if len(counts) > 1 else ''}.")
        if self.interval:
            found.append(f"Intervals: {self.interval}.")
        if self.test:
            found.append(f"Test: {self.test}.")
        return " ".join(found) + "\n"
