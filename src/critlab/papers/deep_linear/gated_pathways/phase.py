"""Paper 3, the phase portraits of two competing pathways: field, trajectories, where they end."""

from __future__ import annotations

import math
from typing import Any

from critlab.papers.deep_linear import PAPER, PROGRAM
from critlab.papers.figure import JSON, THEORY_SCALES, Figure, Published, Scale, Tables
from critlab.report.chart import Chart
from critlab.report.charts.encoding import quantity
from critlab.report.charts.kit import chart, coloured, layer, layered, lookup

STRENGTH = 10.0
DEPTHS = (2, 5, 8, 13)
WINDOWS = {"early": (0, 15), "late": (100, 115)}
DRAWS, DRAWN = 100, 12
SMALL_DEPTHS = (2, 3, 4)
SMALL_WINDOWS = {"early": (0, 5), "late": (500000, 510000)}
GRID = 11


def tables(scale: Scale) -> Tables:
    """Means over draws, some trajectories and the field, for the large init (c = 1); ends for the small one (c = 0).

    Both scales have the paper's draws and depths; at ``paper`` the small init has depth 4 as well, whose sum passes 9
    after 200,010 states.
    """
    means: list[JSON] = []
    paths: list[JSON] = []
    for depth in DEPTHS:
        for name, window in WINDOWS.items():
            summary, drawn = _large(depth, name, window)
            means.append(summary)
            paths += drawn
    small = [row for depth in SMALL_DEPTHS[: 2 if scale == "small" else 3] for row in _small(depth)]
    return {"means": means, "paths": paths, "field": [row for depth in DEPTHS for row in _field(depth)], "small": small}


def _large(depth: int, name: str, window: tuple[int, int]) -> tuple[JSON, list[JSON]]:
    import torch

    from critlab._core.random_streams import generator
    from critlab.theory.linear import Gate, pathway_flow

    draws = generator(0, "init", list(WINDOWS).index(name))
    a, b = 0.01 * torch.randn(2, DRAWS, 1, generator=draws, dtype=torch.float64)
    run = pathway_flow(
        [STRENGTH], depth, start_a=a, start_b=b, invariant=1.0, step=0.001, gates=[Gate("b", *window)],
        convention="producing",
    )  # fmt: skip
    ends = run.a[-1, :, 0]
    part = {"depth": depth, "window": name}
    summary = {**part, "n": DRAWS, "K_a": float(ends.mean()), "sd": float(ends.std()), "K_b": float(run.b[-1].mean())}
    summary |= {"a_wins": int((ends > STRENGTH / 2).sum())}
    paths = [
        {**part, "draw": draw, "t": t, "a": float(run.a[t, draw, 0]), "b": float(run.b[t, draw, 0])}
        for draw in range(DRAWN)
        for t in range(0, 400 if depth == 2 else 200, 4)
    ]
    return summary, paths


def _small(depth: int) -> list[JSON]:
    from critlab.theory.linear import Gate, pathway_flow

    rows = []
    for name, window in SMALL_WINDOWS.items():
        run = pathway_flow(
            [STRENGTH], depth, start_a=0.005, start_b=0.005, step=0.01, steps=10**6, gates=[Gate("b", *window)],
            convention="producing", record=[-1],
        )  # fmt: skip
        rows.append({"depth": depth, "window": name, "K_a": float(run.a), "K_b": float(run.b)})
    return rows


def _field(depth: int) -> list[JSON]:
    """Arrows of unit length on a grid; their speed spans many orders of magnitude."""
    import numpy as np

    from critlab.theory.linear import flow_field

    side = np.linspace(0, 1.2 * STRENGTH, GRID)
    k_a, k_b = (grid.ravel() for grid in np.meshgrid(side, side))
    u, v = flow_field(STRENGTH, depth, k_a, k_b, 1.0)
    speed = np.maximum(np.hypot(u, v), 1e-300)
    angle = np.degrees(np.arctan2(v, u))
    columns = zip(k_a.tolist(), k_b.tolist(), angle.tolist(), np.log10(speed).tolist(), strict=True)
    # Vega turns an arrow that points up, clockwise
    return [{"depth": depth, "a": a, "b": b, "turn": 90 - turn, "log_speed": log} for a, b, turn, log in columns]


def charts(tables: Tables) -> list[Chart]:
    """One chart a window, one panel a depth; the line on which both pathways together have learned the mode."""
    titles = {
        "early": "Pathway b gated early",
        "late": "Pathway b gated late",
    }
    return [
        chart(
            f"phase_{name}",
            title,
            "Each curve is one draw of the start; arrows show where the free dynamics go. On the grey line "
            "K_a + K_b = S all is learned. Pathway b is gated in the states "
            f"{WINDOWS[name][0]} to {WINDOWS[name][1]}.",
            "Phase portraits in the plane of both pathways' strengths for four depths. Means follow in a table.",
            [(f"depth {depth}", _portrait(tables, depth, name)) for depth in DEPTHS],
            tables["means"],
        )
        for name, title in titles.items()
    ]


def _portrait(tables: Tables, depth: int, window: str) -> JSON:
    limits = {"domain": [-0.5, 1.2 * STRENGTH]}
    axes = {"x": quantity("a", "K_a", scale=limits), "y": quantity("b", "K_b", scale=limits)}
    arrows = [row for row in tables["field"] if row["depth"] == depth and math.isfinite(row["log_speed"])]
    rows = [row for row in tables["paths"] if (row["depth"], row["window"]) == (depth, window)]
    turned = {**axes, "angle": {"field": "turn", "type": "quantitative", "scale": None}}
    draws = sorted({row["draw"] for row in rows})
    paths = {**axes, "color": {**coloured("draw", None, draws), "legend": None}, "order": {"field": "t"}}
    line = [{"a": 0, "b": STRENGTH}, {"a": STRENGTH, "b": 0}]
    return layered(
        rows,
        layer(
            {"type": "point", "shape": "arrow", "size": 260, "color": "$soft", "filled": True, "opacity": 0.85},
            turned,
            rows=arrows,
        ),
        layer({"type": "line", "color": "$control", "strokeWidth": 2}, axes, rows=line),
        layer({"type": "line", "strokeWidth": 1.3, "opacity": 0.8, "clip": True}, paths),
    )


def _mean(depth: int, window: str) -> Any:
    return lambda tables: lookup(tables["means"], "K_a", depth=depth, window=window)


def _end(depth: int, window: str) -> Any:
    return lambda tables: lookup(tables["small"], "K_a", depth=depth, window=window)


LARGE_MEANS = ((2, 5.689, 5.528), (5, 8.227, 5.073), (8, 9.113, 4.989), (13, 9.554, 4.983))
SMALL_ENDS = ((2, 6.819), (3, 8.375), (4, 9.024))
PUBLISHED = (
    *(
        Published(f"large init, depth {depth}, {name} window, mean final K_a", value, PROGRAM, _mean(depth, name))
        for depth, *values in LARGE_MEANS
        for name, value in zip(WINDOWS, values, strict=True)
    ),
    *(
        Published(f"small init, depth {depth}, early window, final K_a", value, PROGRAM, _end(depth, "early"))
        for depth, value in SMALL_ENDS
    ),
)


def playground() -> str:
    """The interactive page: the plane of both pathways' strengths, computed as the sliders move."""
    from critlab.theory.linear.playing import playing_page

    return playing_page("phase")


FIGURE = Figure(
    question="does depth sharpen the competition between pathways?",
    source=f"{PAPER}, figure of the phase portraits",
    scales=THEORY_SCALES,
    tables=tables,
    published=PUBLISHED,
    charts=charts,
    playground=playground,
)
