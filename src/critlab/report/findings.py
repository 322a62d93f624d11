"""What a figure found and what was published: for the page, the README's table and a terminal."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field, fields
from typing import Any

from critlab.report.chart import Cell, Chart

NOT_COMPUTED = "not computed at this scale"
"""Our value where a scale does not compute it; such rows are not shown."""


@dataclass(frozen=True)
class Comparison:
    """One number of a paper next to ours, in words with units.

    Args:
        what: which quantity.
        published: the published value or, where the paper's is not known, another reference; ``"not stated"`` where
            there is none.
        source: where it was published, or how it came to us.
        ours: our value, with its interval and n where it has them.
    """

    what: str
    published: str
    source: str
    ours: str


def numbers_csv(comparisons: Sequence[Comparison]) -> str:
    """The comparisons as CSV, one a row."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([field.name for field in fields(Comparison)])
    writer.writerows(astuple(one) for one in comparisons)
    return text.getvalue()


@dataclass(frozen=True)
class Findings:
    """A figure of a theory, computed: what a page shows where there are no runs.

    Args:
        name: the figure's.
        question: what it asks, one sentence.
        source: paper and figure, or ``"ours"``.
        charts: what is drawn.
        comparisons: our numbers next to the published ones.
        provenance: what was computed on what, as plain JSON values.
        command: what repeats it.
        masthead: what a page of it alone is called.
        lines: the answer in words, one line each, the sentence first.
        table: names of columns, and rows; None where there is none.
    """

    name: str
    question: str
    source: str
    charts: Sequence[Chart]
    comparisons: Sequence[Comparison]
    provenance: Mapping[str, Any] = field(default_factory=dict)
    command: str = ""
    masthead: str = "A figure of the theory"
    lines: tuple[str, ...] = ()
    table: tuple[tuple[str, ...], tuple[tuple[Cell, ...], ...]] | None = None
