"""A theory's figure: computed once, kept in the store by digest, drawn and set beside what was published."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from critlab.digest import digest
from critlab.engine.writing import provenance
from critlab.errors import StoreError
from critlab.report.chart import Chart
from critlab.report.findings import Comparison, Findings
from critlab.store import Store

Scale = Literal["small", "paper"]
SCALES: tuple[Scale, ...] = ("small", "paper")
Tables = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Figure:
    """A figure of a theory, which has no runs.

    Args:
        question: what it asks.
        source: paper and figure, or ``"ours"``.
        tables: computes the tables at a scale, rows of plain JSON values; depends on nothing but the scale.
        charts: draws them; pure.
        compare: the published or the protocol's numbers beside ours.
        version: of the tables, raised whenever they change.
    """

    question: str
    source: str
    tables: Callable[[Scale], Tables]
    charts: Callable[[Tables], Sequence[Chart]]
    compare: Callable[[Tables], Sequence[Comparison]]
    version: int = 1


def found(name: str, figure: Figure, scale: Scale, store: Store) -> Findings:
    """The figure called ``name`` at ``scale``: its tables from ``store``, or computed and kept there.

    Raises:
        StoreError: a table holds a number that is not finite, which no record can hold.
    """
    key = digest("figure", name, scale, figure.version)
    body = store.read("figures", key)
    if body is None:
        body = _computed(name, figure, scale)
        try:
            store.write("figures", key, body)
        except ValueError as error:
            raise StoreError(f"{name}: its tables cannot be kept: {error}") from None
    tables = _ordered(body["tables"], body.get("columns", {}))
    made = {**body["provenance"], "scale": scale, "seconds of computing": round(body["seconds"], 1)}
    if "settings" in tables:
        made["settings"] = tables["settings"][0]
    return Findings(
        name=name,
        question=figure.question[:1].upper() + figure.question[1:],
        source=figure.source,
        charts=figure.charts(tables),
        comparisons=figure.compare(tables),
        provenance=made,
        command=f"critlab reproduce {name} --scale {scale}",
    )


def _ordered(tables: Tables, columns: Mapping[str, Sequence[str]]) -> Tables:
    """The tables with their columns in the order of computing; a record keeps its keys sorted."""
    return {
        table: [{name: row[name] for name in columns.get(table, row) if name in row} for row in rows]
        for table, rows in tables.items()
    }


def _computed(name: str, figure: Figure, scale: Scale) -> dict[str, Any]:
    began = time.perf_counter()
    tables = figure.tables(scale)
    seconds = time.perf_counter() - began
    return {
        "figure": name,
        "scale": scale,
        "version": figure.version,
        "tables": tables,
        "columns": {table: list(dict.fromkeys(name for row in rows for name in row)) for table, rows in tables.items()},
        "seconds": seconds,
        "provenance": dict(provenance()),
    }
