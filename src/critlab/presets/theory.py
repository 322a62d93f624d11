"""A theory's figure: computed once, kept in the store by digest, drawn and set beside what was published."""

from __future__ import annotations

import math
import time
from typing import Any

from critlab.digest import digest
from critlab.engine.writing import provenance
from critlab.errors import StoreError
from critlab.presets.deep_linear_figure import SCALES, Figure, Scale
from critlab.report.findings import Comparison, Findings
from critlab.store import Store


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
    made = {**body["provenance"], "scale": scale, "seconds of computing": round(body["seconds"], 1)}
    return Findings(
        name=name,
        question=figure.question[:1].upper() + figure.question[1:],
        source=figure.source,
        charts=figure.charts(body["tables"]),
        comparisons=compared(figure, body["tables"]),
        provenance=made,
        command=f"critlab reproduce {name} --scale {scale}",
    )


def _computed(name: str, figure: Figure, scale: Scale) -> dict[str, Any]:
    began = time.perf_counter()
    tables = figure.tables(scale)
    seconds = time.perf_counter() - began
    return {
        "figure": name,
        "scale": scale,
        "version": figure.version,
        "tables": tables,
        "seconds": seconds,
        "provenance": dict(provenance()),
    }


def compared(figure: Figure, tables: dict[str, list[dict[str, Any]]]) -> list[Comparison]:
    """Our numbers beside the published ones; what the scale does not compute is said, not left out."""
    rows = []
    for item in figure.published:
        ours = item.ours(tables)
        said = "not computed at this scale" if math.isnan(ours) else f"{ours:.4g}"
        rows.append(Comparison(item.what, f"{item.value:.4g}", item.source, said))
    return rows


__all__ = ["SCALES", "Figure", "Scale", "compared", "found"]
