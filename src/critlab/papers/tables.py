"""The tables of a figure that is computed from a theory: computed once, then kept in the store by digest."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from critlab._core.digest import digest
from critlab._core.errors import StoreError, StudyError
from critlab.engine.records.provenance import provenance
from critlab.papers.figure import Figure, Scale, Tables
from critlab.report.findings import Findings
from critlab.store import Store
from critlab.store.marker import mark


def computed(name: str, figure: Figure, scale: Scale, store: Store) -> Findings:
    """The figure called ``name`` at ``scale``: its tables are read from ``store``, or computed and kept there.

    A store that holds nothing but figures gets its marker here.

    Raises:
        StudyError: the figure is made of studies.
        StoreError: a table holds a number that is not finite, which no record can hold.
    """
    key = digest("figure", name, scale, figure.version)
    body = store.read("figures", key)
    if body is not None:
        try:
            return _findings(name, figure, scale, body)
        except Exception as error:  # a sealed record may hold any tables
            store.set_aside(
                "figures", key, f"holds tables that are not this figure's ({type(error).__name__}: {error})"
            )
    body = _body(name, figure, scale)
    try:
        store.write("figures", key, body)
        mark(store.root)
    except ValueError as error:
        raise StoreError(f"{name}: its tables cannot be kept: {error}") from None
    return _findings(name, figure, scale, body)


def _findings(name: str, figure: Figure, scale: Scale, body: Mapping[str, Any]) -> Findings:
    tables = _ordered(body["tables"], body.get("columns", {}))
    made = {**body["provenance"], "scale": scale, "seconds of computing": round(body["seconds"], 1)}
    if "settings" in tables:
        made["settings"] = tables["settings"][0]
    return Findings(
        name=name,
        question=figure.question[:1].upper() + figure.question[1:],
        source=figure.source,
        charts=figure.charts(tables),
        comparisons=figure.comparisons(tables),
        provenance=made,
        command=f"critlab reproduce {name} --scale {scale}",
    )


def _ordered(tables: Tables, columns: Mapping[str, Sequence[str]]) -> Tables:
    """The tables with their columns in the order of computing; a record keeps its keys sorted."""
    return {
        table: [{name: row[name] for name in columns.get(table, row) if name in row} for row in rows]
        for table, rows in tables.items()
    }


def _body(name: str, figure: Figure, scale: Scale) -> dict[str, Any]:
    if figure.tables is None:
        raise StudyError(f"{name}: this figure is made of studies and has no tables of its own")
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
