"""The figure that paper 3 lacks: a deficit of fixed length at every onset, with controls of equal budget."""

from __future__ import annotations

from typing import Any

from critlab.papers.deep_linear.matrix_completion.completion import spread
from critlab.papers.deep_linear.panels import spread_over
from critlab.papers.figure import JSON, THEORY_SCALES, Figure, Scale, Tables
from critlab.report.chart import Chart
from critlab.report.charts.kit import chart

SETTING: dict[str, Any] = {"ranks": (5, 3), "observed": 600}
SIZE, LENGTH = 50, 10000
ONSETS = (0, 1000, 2000, 5000, 10000, 20000, 40000)
CHOICES: dict[Scale, dict[str, tuple[int, ...]]] = {
    "small": {"seeds": tuple(range(1, 9)), "depths": (2, 3), "recoveries": (10000,)},
    "paper": {"seeds": tuple(range(1, 17)), "depths": (1, 2, 3), "recoveries": (10000, 40000)},
}


def tables(scale: Scale) -> Tables:
    """Error of every run and of its control, the clean run of as many updates; their spread by onset."""
    chosen = CHOICES[scale]
    errors: list[JSON] = []
    for recovery in chosen["recoveries"]:
        rows = _rows(recovery, chosen)
        controls = {(row["depth"], row["seed"], row["removal"]): row["error"] for row in rows if _is_control(row)}
        for row in rows:
            if not _is_control(row):
                control = controls[row["depth"], row["seed"], row["removal"]]
                part = {"recovery": recovery, "onset": row["onset"], "depth": row["depth"], "seed": row["seed"]}
                kinds = (("window", row["error"]), ("control", control))
                errors += [{**part, "variant": f"depth {row['depth']}, {kind}", "error": e} for kind, e in kinds]
    spreads = []
    for recovery in chosen["recoveries"]:
        rows = spread([row for row in errors if row["recovery"] == recovery], "onset")
        spreads += [{"recovery": recovery, **row} for row in rows]
    return {"errors": errors, "spread": spreads}


def _is_control(row: JSON) -> bool:
    return bool(row["onset"] == row["removal"])


def _rows(recovery: int, chosen: dict[str, tuple[int, ...]]) -> list[JSON]:
    """All windows, and the clean run of each budget."""
    from critlab.theory.linear import complete_matrix

    ends = [onset + LENGTH for onset in ONSETS]
    table = complete_matrix(
        SIZE,
        **SETTING,
        depths=chosen["depths"],
        windows=[*zip(ONSETS, ends, strict=True), *((end, end) for end in ends)],
        recovery=recovery,
        seeds=chosen["seeds"],
    )
    return table.rows()


def charts(tables: Tables) -> list[Chart]:
    """Error against the onset, one panel a recovery."""
    recoveries = list(dict.fromkeys(row["recovery"] for row in tables["spread"]))
    panels = [
        (
            f"{recovery:,} clean updates after",
            spread_over(
                [row for row in tables["spread"] if row["recovery"] == recovery], "variant", "onset of the deficit", ""
            ),
        )
        for recovery in recoveries
    ]
    return [
        chart(
            "completion_window",
            f"A deficit of {LENGTH:,} updates, by its onset",
            "Median over instances with quartiles; the control is the clean run with as many updates.",
            "Reconstruction error against the onset of the deficit. The numbers follow in a table.",
            panels,
            tables["spread"],
        )
    ]


FIGURE = Figure(
    question="does a late deficit of the same length harm less?",
    source="ours",
    scales=THEORY_SCALES,
    tables=tables,
    charts=charts,
)
