"""Rows of cells as text for a table of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from critlab.report.chart import Cell
from critlab.report.text.numbers import MINUS, significant


@dataclass(frozen=True)
class Table:
    """Cells as text, and which columns hold numbers."""

    cells: tuple[tuple[str, ...], ...]
    numeric: frozenset[int]


def table(rows: Sequence[Sequence[Cell]]) -> Table:
    """Cells as text; a column is numeric where it holds numbers or nothing."""
    columns = list(zip(*rows, strict=True))
    numeric = {i for i, column in enumerate(columns) if any(isinstance(c, int | float) for c in column)}
    return Table(tuple(tuple(_cell(cell) for cell in row) for row in rows), frozenset(numeric))


def _cell(cell: Cell) -> str:
    if cell is None:
        return "–"
    text = significant(cell, 4) if isinstance(cell, float) else str(cell)
    return text if isinstance(cell, str) else text.replace("-", MINUS)
