"""The filters of the first layer as small pictures, as plain values for the template."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from critlab._core.errors import StudyError
from critlab._core.png import png
from critlab.analysis.information.filters import first_layer_filters
from critlab.analysis.tables.results import Results
from critlab.report.charts.layers import point_of, run_title
from critlab.report.charts.moments import compared_runs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_FILTERS = 64
MOST_SIDE = 32
"""Weights along a side of a filter; of larger ones every second, third, ... is drawn."""

PAPER = 255


def first_layer_part(results: Results) -> list[Mapping[str, Any]]:
    """A mosaic for the clean run and the first and the last of the sweep; empty where filters were not measured."""
    found: list[Mapping[str, Any]] = []
    for run in compared_runs(results.study):
        for seed in results.study.seeds:
            try:
                filters = first_layer_filters(results, run.identifier(seed))
            except StudyError:
                continue
            columns, text = _mosaic(filters[:MOST_FILTERS])
            found.append(
                {
                    "title": run_title(results.study, run),
                    "at": point_of(run),
                    "seed": seed,
                    "count": min(len(filters), MOST_FILTERS),
                    "columns": columns,
                    "png": text,
                }
            )
            break
    return found


def _mosaic(filters: NDArray[np.float32]) -> tuple[int, str]:
    """Filters in rows, each scaled by its largest weight, with 0 as grey: how many stand in a row, and a PNG."""
    import numpy as np

    step = -(-max(filters.shape[-2:]) // MOST_SIDE)
    filters = filters[..., ::step, ::step]
    count, channels, height, width = filters.shape
    largest = np.maximum(np.abs(filters).max(axis=(1, 2, 3), keepdims=True), 1e-12)
    levels = np.round(127.5 + 127.5 * filters / largest).astype(np.uint8)
    if channels != 3:
        levels = np.round(levels.mean(axis=1, keepdims=True)).astype(np.uint8)
    columns = min(count, max(1, math.ceil(math.sqrt(count * 2))))
    rows = -(-count // columns)
    sheet = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1, levels.shape[1]), PAPER, dtype=np.uint8)
    for index in range(count):
        top, left = (index // columns) * (height + 1), (index % columns) * (width + 1)
        sheet[top : top + height, left : left + width] = levels[index].transpose(1, 2, 0)
    content = png(sheet.tobytes(), sheet.shape[1], sheet.shape[0], sheet.shape[2])
    return columns, base64.b64encode(content).decode("ascii")
