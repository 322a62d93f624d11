"""Appendix of paper 3: singular-vector flow against gradient descent through a change of task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from critlab.papers.deep_linear import PAPER
from critlab.papers.figure import JSON, THEORY_SCALES, Figure, Scale, Tables
from critlab.report.chart import Chart
from critlab.report.charts.encoding import quantity
from critlab.report.charts.kit import chart, coloured, layer, layered
from critlab.report.text.figures.theories import gap_sentence

FLOWS: dict[Scale, list[dict[str, Any]]] = {
    "small": [
        {"size": 30, "ranks": (4, 2), "observed": 450, "depth": depth, "switch": 3000, "recovery": 3000}
        for depth in (2, 3)
    ],
    "paper": [
        {"size": 100, "ranks": (8, 2), "observed": 5000, "depth": 3, "switch": switch, "recovery": 10000}
        for switch in (0, 10000, 20000, 40000)
    ],
}
FLOW_POINTS, KEPT_VALUES = 120, 10


def tables(scale: Scale) -> Tables:
    """Singular values of flow and descent over time, and the largest gap at the step and at half of it."""
    from critlab.theory.linear import singular_vector_flow

    values: list[JSON] = []
    gaps: list[JSON] = []
    for setting in FLOWS[scale]:
        total = setting["switch"] + setting["recovery"]
        name = f"depth {setting['depth']}, {setting['switch']:,} + {setting['recovery']:,} steps"
        found = singular_vector_flow(**setting, step=0.25, record_every=max(1, total // FLOW_POINTS))
        gap: JSON = {"variant": name, "gap": found.gap}
        if scale == "small":
            twice = {**setting, "switch": 2 * setting["switch"], "recovery": 2 * setting["recovery"]}
            halved = singular_vector_flow(**twice, step=0.125, record_every=max(1, 2 * total // FLOW_POINTS))
            gap |= {"gap_at_half_the_step": halved.gap, "ratio": halved.gap / found.gap}
        gaps.append(gap)
        values += [
            {"variant": name, "switch": found.switch, "model": model, "t": t, "index": i + 1, "value": float(row[i])}
            for model, rows in (("flow", found.flow), ("descent", found.descent))
            for t, row in zip(found.states.tolist(), rows, strict=True)
            for i in range(min(KEPT_VALUES, len(row)))
        ]
    return {"values": values, "gaps": gaps}


def charts(tables: Tables) -> list[Chart]:
    """One panel a configuration: descent as markers over the flow as lines, the switch marked."""
    panels = []
    for name in dict.fromkeys(row["variant"] for row in tables["values"]):
        rows = [row for row in tables["values"] if row["variant"] == name]
        indices = sorted({row["index"] for row in rows})
        axes = {"x": quantity("t", "update"), "y": quantity("value", "singular value")}
        axes |= {"color": coloured("index", "rank", indices, "deep")}
        mark = {"type": "rule", "color": "$deficit", "strokeDash": [4, 3]}
        at = {"x": {"field": "at", "type": "quantitative"}}
        line = layer({"type": "line", "strokeWidth": 1.6}, axes, "datum.model == 'flow'")
        points = layer({"type": "point", "size": 14}, axes, "datum.model == 'descent'")
        panels.append((name, layered(rows, line, points, layer(mark, at, rows=[{"at": rows[0]["switch"]}]))))
    return [
        chart(
            "singular_vectors",
            "Singular values: gradient descent (markers) and the singular-vector flow (lines)",
            f"The dashed line marks the switch of tasks. {_gaps(tables['gaps'])}".rstrip(),
            "Singular values over time for both models. The largest gaps follow in a table.",
            panels,
            tables["gaps"],
        )
    ]


def _gaps(rows: Sequence[JSON]) -> str:
    """The largest gap between both models, and at half of the step where that was computed."""
    largest = max(rows, key=lambda row: float(row["gap"]), default=None)
    if largest is None:
        return ""
    return gap_sentence(largest["variant"], largest["gap"], largest.get("gap_at_half_the_step"))


FIGURE = Figure(
    question="does the singular-vector flow follow gradient descent through a change of task?",
    source=f"{PAPER}, appendix; Arora et al. 2019",
    scales=THEORY_SCALES,
    tables=tables,
    charts=charts,
)
