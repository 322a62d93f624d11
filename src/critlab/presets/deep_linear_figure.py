"""What a figure of the deep linear theory is: computed tables, charts drawn from them, published numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from critlab.report.chart import Chart

JSON = dict[str, Any]
Tables = Mapping[str, Sequence[JSON]]
Scale = Literal["small", "paper"]
SCALES: tuple[Scale, ...] = ("small", "paper")

PAPER = "Kleinman, Achille and Soatto 2023, arXiv 2308.12221"
PROGRAM = f"the authors' published program ({PAPER})"


@dataclass(frozen=True)
class Published:
    """A published number, and where ours stands in the tables.

    Args:
        what: in words.
        value: the number.
        source: where it is from.
        ours: reads our number from the figure's tables; not a number where the scale lacks it.
    """

    what: str
    value: float
    source: str
    ours: Callable[[Tables], float]


@dataclass(frozen=True)
class Figure:
    """A named figure of the theory.

    Args:
        question: what it asks.
        source: paper and figure, or ``"ours"``.
        tables: computes the tables at a scale, rows of plain JSON values; depends on nothing but the scale.
        charts: draws them; pure.
        published: what ours is compared with.
        version: of the tables, raised whenever they change.
    """

    question: str
    source: str
    tables: Callable[[Scale], dict[str, list[JSON]]]
    charts: Callable[[Tables], list[Chart]]
    published: tuple[Published, ...] = ()
    version: int = 1

    def compare(self, tables: Tables) -> list[tuple[str, float, float]]:
        """What, the published number, ours; only numbers that the scale has."""
        found = [(item.what, item.value, item.ours(tables)) for item in self.published]
        return [(what, value, ours) for what, value, ours in found if ours == ours]
