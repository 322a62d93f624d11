"""Appendix of paper 1: the filters of the first layer as pictures, clean and after each removal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from critlab._core.errors import StudyError
from critlab.analysis.information.filters import first_layer_filters
from critlab.analysis.tables.results import Results
from critlab.papers.comparisons import run_words
from critlab.papers.critical_periods.setup import PAPER, TIMELINES, measured_study
from critlab.papers.figure import JSON, Figure, Found, Published, Scale, single
from critlab.report.chart import Chart
from critlab.report.charts.kit import chart, layer, layered
from critlab.report.findings import Comparison, Roughness
from critlab.study.runs.run import Run
from critlab.study.study import Study

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


FILTERS = Published("filters of the first layer", "shown, no number", "from memory of the paper's appendix")


def study(scale: Scale) -> Study:
    """Appendix: the filters of the first layer, clean, and after removal."""
    last = TIMELINES[scale].recovery
    return measured_study(scale, "filters", {"filters": {"every": last}})


def pictures(results: Results) -> list[tuple[Run, NDArray[np.float32]]]:
    """The filters at the end of the clean run and of each removal, of the first seed that has them."""
    found = []
    for run in results.study.runs:
        if run.role in ("control", "deficit"):
            for seed in results.study.seeds:
                try:
                    found.append((run, first_layer_filters(results, run.identifier(seed))))
                except StudyError:
                    continue
                break
    return found


def charts(found: Found) -> Sequence[Chart]:
    """One panel a run, each filter scaled by its largest weight."""
    seen = pictures(next(iter(found.values())))
    if not seen:
        return []
    panels, rows = [], []
    for run, filters in seen:
        title = run_words(run).capitalize()
        panels.append((title, _panel(list(_pixels(filters)))))
        rows += [
            {"run": title, "filter": index, "roughness": round(value, 4)}
            for index, value in enumerate(roughnesses(filters))
        ]
    caption = (
        "Filters of the first layer at the end, first seed: three channels as red, green and blue, each filter scaled "
        "by its largest weight, 0 is grey. Roughness: the share of a filter's squared weights that its mean over "
        "positions leaves, 0 for a filter that only averages."
    )
    alt = "Pictures of the first layer's filters, clean and after blur. Their roughness follows in a table."
    return [chart("filters", "Filters of the first layer", caption, alt, panels, rows)]


def roughnesses(filters: NDArray[np.float32]) -> list[float]:
    """Of each filter: the squared weights around its channels' means as a share of all, from 0 to 1."""
    around = filters - filters.mean((2, 3), keepdims=True)
    own, whole = (around**2).sum((1, 2, 3)), (filters**2).sum((1, 2, 3))
    return [float(a / b) if b > 0 else 0.0 for a, b in zip(own, whole, strict=True)]


def _pixels(filters: NDArray[np.float32]) -> Iterator[JSON]:
    """A square for each weight's place, filters in rows with a gap of half a pixel."""
    count, channels, height, width = filters.shape
    columns = math.ceil(math.sqrt(count))
    for index in range(count):
        largest = float(abs(filters[index]).max()) or 1.0
        left, top = (index % columns) * (width + 0.5), (index // columns) * (height + 0.5)
        for row in range(height):
            for column in range(width):
                values = filters[index, :, row, column] / largest
                shown = values if channels == 3 else [values.mean()] * 3
                colour = "#" + "".join(f"{round(127.5 + 127.5 * float(v)):02x}" for v in shown)
                x, y = left + column, top + row
                yield {"x": x, "x2": x + 1, "y": -y, "y2": -y - 1, "colour": colour, "filter": index}


def _panel(rows: Sequence[JSON]) -> JSON:
    bare = {"axis": None, "scale": {"nice": False, "zero": False}}
    encoding = {
        "x": {"field": "x", "type": "quantitative", **bare},
        "x2": {"field": "x2"},
        "y": {"field": "y", "type": "quantitative", **bare},
        "y2": {"field": "y2"},
        "color": {"field": "colour", "type": "nominal", "scale": None},
        "tooltip": [{"field": "filter", "type": "nominal"}],
    }
    return layered(rows, layer({"type": "rect", "strokeWidth": 0}, encoding))


def compare(found: Found) -> Sequence[Comparison]:
    """How rough the filters are, on average, after each removal."""
    rows = []
    for run, filters in pictures(next(iter(found.values()))):
        values = roughnesses(filters)
        mean = Roughness(sum(values) / len(values), len(values))
        rows.append(FILTERS.beside(mean, f"roughness of the first layer's filters, {run_words(run)}"))
    return rows


FIGURE = Figure(
    question="what do the filters of the first layer look like after a deficit?",
    source=f"{PAPER}, appendix",
    studies=single(study),
    published=(FILTERS,),
    charts=charts,
    compare=compare,
)
