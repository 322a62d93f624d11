"""The bench's table in words, for the terminal and for the documents."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from critlab.report.text.numbers import decimal, hundredths, limits, percent

HEAD = (
    "rule",
    "pooled",
    "rate held",
    "matched rate",
    "R²",
    "after closed: small",
    "largest, points",
    "closed in",
    "null open",
    "coverage",
    "cost",
)

Row = tuple[str, Mapping[str, object]]
"""A rule's title and the document of its scores."""


def bench_text(rows: Sequence[Row], facts: Mapping[str, object]) -> str:
    """The table for a terminal, with what it is of."""
    head, cells = HEAD[1:], [[_cell(column, document) for column in HEAD[1:]] for _, document in rows]
    widths = [max(len(line[place]) for line in [list(head), *cells]) for place in range(len(head))]
    lines = [sentence(facts), ""]
    lines.append("  ".join(name.ljust(width) for name, width in zip(head, widths, strict=True)).rstrip())
    for (title, _), line in zip(rows, cells, strict=True):
        lines.append(title)
        lines.append("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    return "\n".join(lines) + "\n"


def bench_markdown(rows: Sequence[Row]) -> str:
    """The table for a document."""
    return "\n".join(_markdown(rows)) + "\n"


def sentence(facts: Mapping[str, object]) -> str:
    """What the scores are of."""
    return (
        f"Bench of closings, version {facts['version']}: {facts['windows']:,} windows with a deficit on "
        f"{facts['held_out']} held-out trainings of {facts['trainings']}; smallest damage of interest "
        f"{decimal(100 * float(str(facts['smallest'])), 0)} points; {facts['repeats']} forks of each deficit."
    )


def _markdown(rows: Sequence[Row]) -> Iterator[str]:
    yield f"| {' | '.join(HEAD)} |"
    yield f"|{'---|' * len(HEAD)}"
    for title, document in rows:
        yield f"| {' | '.join([title, *(_cell(column, document) for column in HEAD[1:])])} |"


def _cell(column: str, document: Mapping[str, object]) -> str:
    score = document[FIELDS[column]]
    if column == "largest, points":
        return _points(score)
    if column == "cost":
        return decimal(float(str(score)), 2)
    assert isinstance(score, Mapping)
    if score["value"] is None:
        return "–"
    if column in ("pooled", "rate held", "matched rate", "R²"):
        return f"{decimal(score['value'], 2)} {limits(score['low'], score['high'], 2)}"
    return f"{percent(score['value'])} {limits(100 * score['low'], 100 * score['high'], 0)}"


FIELDS = {
    "pooled": "pooled",
    "rate held": "rate_held",
    "matched rate": "matched",
    "R²": "r2",
    "after closed: small": "kept",
    "largest, points": "worst",
    "closed in": "closed",
    "null open": "null_open",
    "coverage": "coverage",
    "cost": "spent",
}
"""Columns and the fields of the scores in them."""


def _points(value: object) -> str:
    if value is None or not math.isfinite(float(str(value))):
        return "–"
    return hundredths(float(str(value)))
