"""What the figures of two gated pathways share: windows, curves, final strengths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from critlab.papers.deep_linear.panels import markers_over_lines
from critlab.papers.figure import JSON, Tables
from critlab.report.chart import Chart
from critlab.report.charts.kit import chart, lookup

KAPPA = (0.013411, 0.012567, 0.012302, 0.011853, 0.011820, 0.011586, 0.011521, 0.011389)
"""The start strengths that the authors' program drew for its published figure."""
WINDOWS = {"early": (0, 150), "middle": (400, 550), "late": (750, 900)}
LESION_WINDOW = {"early": (0, 200)}
SHOWN = (0, 1, 2, 4, 7)
GROUPS = ((0,), (1,), (2, 3), (4, 5, 6, 7))
MARKER_EVERY, LINE_EVERY = 25, 5


def descent_and_flow(
    depth: int, windows: dict[str, tuple[int, int]], lesions: Any, kappa: Sequence[float]
) -> dict[str, Any]:
    """Descent and flow of the linear network, for every window."""
    import torch

    from critlab.theory.linear import Gate, pathway_flow, train_pathways
    from critlab.theory.linear.hierarchy import hierarchy

    start = torch.tensor(kappa, dtype=torch.float64) ** (1 / depth)
    gates = [[Gate("b", *window)] for window in windows.values()]
    descent = train_pathways(depth, kappa=list(kappa), gates=gates, lesions=lesions)
    start_a = start.clone()
    for lesion in lesions:
        start_a[lesion.mode] = 0  # at 0 the reduced mode stays, and is in no residual
    flow = pathway_flow(hierarchy().strengths, depth, start_a=start_a, start_b=start, gates=gates)
    curves, finals, gaps = [], [], []
    for place, name in enumerate(windows):
        pairs = [(descent.a[:, place], flow.a[:, place]), (descent.b[:, place], flow.b[:, place])]
        for model, which, every in (("descent", 0, MARKER_EVERY), ("flow", 1, LINE_EVERY)):
            rows = curve_rows(pairs[0][which], pairs[1][which], model, every)
            curves += [{"window": name, **row} for row in rows]
        ends = {key: value[-1].tolist() for key, value in zip("ab", (pair[0] for pair in pairs), strict=True)}
        finals += [
            {"window": name, "mode": mode, "S": strength_label(mode), "a": ends["a"][mode], "b": ends["b"][mode]}
            for mode in range(8)
        ]
        kept = [mode for mode in range(8) if all(mode != lesion.mode for lesion in lesions)]
        gaps.append({"window": name, "gap": max(float((d - f)[:, kept].abs().max()) for d, f in pairs)})
    return {"curves": curves, "finals": finals, "gaps": gaps}


def curve_rows(a: Any, b: Any, model: str, every: int) -> list[JSON]:
    """K over time of the modes that the paper shows, from tensors ``(states, 8)``."""
    return [
        {
            "model": model,
            "pathway": pathway,
            "mode": strength_label(mode),
            "index": mode,
            "t": t,
            "k": float(k[t, mode]),
        }
        for pathway, k in (("a", a), ("b", b))
        for mode in (SHOWN if model == "descent" else SHOWN[:-1])
        for t in range(0, len(k), every)
    ]


def group_finals(activation: str, window: str, a: Sequence[Sequence[float]], b: Any) -> list[JSON]:
    """Means over rotations and equal modes, with the spread over rotations."""
    rows = []
    for modes in GROUPS:
        row: JSON = {"activation": activation, "window": window, "S": strength_label(modes[0]), "n": len(a)}
        for name, runs in (("a", a), ("b", b)):
            means = [sum(run[mode] for mode in modes) / len(modes) for run in runs]
            row |= {name: sum(means) / len(means), f"{name}_low": min(means), f"{name}_high": max(means)}
        rows.append(row)
    return rows


def strength_label(mode: int) -> str:
    """The target strength S of a mode, as tables and legends show it."""
    return ("3.873", "2.646", "1.732", "1.732", "1", "1", "1", "1")[mode]


def window_chart(key: str, title: str, tables: Tables, windows: dict[str, tuple[int, int]]) -> Chart:
    """The strengths of the modes over time, one panel a window."""
    labels = [strength_label(mode) for mode in SHOWN[:-1]]
    panels = [
        (name, markers_over_lines([row for row in tables["curves"] if row["window"] == name], window, labels))
        for name, window in windows.items()
    ]
    return chart(
        key,
        title,
        "Markers: gradient descent on the weight matrices; lines: the reduced equations. Solid lines and circles are "
        "pathway a, dashed lines and squares pathway b. The deficit acts in the shaded window.",
        "Strengths of the modes of both pathways over time, for each window. The final values follow in a table.",
        panels,
        tables["finals"],
    )


def final_strength(window: str, pathway: str, strength: str, **where: str) -> Callable[[Tables], float]:
    """Reads a final strength from the tables: of a window, a pathway and a mode's target strength."""
    return lambda tables: lookup(tables["finals"], pathway, window=window, S=strength, **where)
