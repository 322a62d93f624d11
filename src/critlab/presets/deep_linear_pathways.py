"""Figures of the two pathways: windows, a lesion, activations, and phase portraits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from critlab.presets.deep_linear_figure import JSON, PROGRAM, Published, Scale, Tables
from critlab.presets.deep_linear_panels import chart, lookup, markers_over_lines
from critlab.report.chart import Chart

KAPPA = (0.013411, 0.012567, 0.012302, 0.011853, 0.011820, 0.011586, 0.011521, 0.011389)
"""The start strengths that the authors' program drew for its published figure."""
WINDOWS = {"early": (0, 150), "middle": (400, 550), "late": (750, 900)}
LESION_WINDOW = {"early": (0, 200)}
SHOWN = (0, 1, 2, 4, 7)
GROUPS = ((0,), (1,), (2, 3), (4, 5, 6, 7))
MARKER_EVERY, LINE_EVERY = 25, 5


def pathways_tables(scale: Scale) -> dict[str, list[JSON]]:
    """Curves, finals and the gap between descent and flow for three windows, depth 4; finals over draws of kappa."""
    from critlab.linear import Gate, train_pathways
    from critlab.linear.hierarchy import drawn_kappas

    gates = [[Gate("b", *window)] for window in WINDOWS.values()]
    found = _linear(4, WINDOWS, (), KAPPA)
    draws = []
    for seed in range(5 if scale == "small" else 30):
        run = train_pathways(4, kappa=drawn_kappas(0.01, 100, seed), gates=gates)
        for place, name in enumerate(WINDOWS):
            draws += [
                {"draw": seed, "window": name, "S": _label(modes[0]), "b": float(run.b[-1, place, list(modes)].mean())}
                for modes in GROUPS
            ]
    return {**found, "draws": draws}


def lesion_tables(scale: Scale) -> dict[str, list[JSON]]:
    """Mode 1 of pathway a lesioned, pathway b gated first, depth 3; linear, and with Tanh."""
    from critlab.linear import Gate, Lesion, train_pathways

    found = _linear(3, LESION_WINDOW, (Lesion("a", 1),), KAPPA)
    seeds = list(range(3 if scale == "small" else 10))
    run = train_pathways(
        3,
        kappa=list(KAPPA),
        gates=[Gate("b", *LESION_WINDOW["early"])],
        lesions=[Lesion("a", 1)],
        activation="tanh",
        rotation_seed=seeds,
    )
    return {**found, "tanh": _group_finals("tanh", "early", run.a[-1].tolist(), run.b[-1].tolist())}


def nonlinear_tables(scale: Scale) -> dict[str, list[JSON]]:
    """Tanh and ReLU after every layer, depth 3, over several rotations of the hidden layers."""
    from critlab.linear import Gate, train_pathways

    curves, finals = [], []
    seeds = list(range(3 if scale == "small" else 10))
    for activation in ("tanh", "relu"):
        for name, window in WINDOWS.items():
            run = train_pathways(
                3, kappa=list(KAPPA), activation=activation, gates=[Gate("b", *window)], rotation_seed=seeds
            )
            part = {"activation": activation, "window": name}
            curves += [{**part, **row} for row in _curve_rows(run.a.mean(1), run.b.mean(1), "descent", MARKER_EVERY)]
            finals += _group_finals(activation, name, run.a[-1].tolist(), run.b[-1].tolist())
    return {"curves": curves, "finals": finals}


def _linear(depth: int, windows: dict[str, tuple[int, int]], lesions: Any, kappa: Sequence[float]) -> dict[str, Any]:
    """Descent and flow of the linear network, for every window."""
    import torch

    from critlab.linear import Gate, pathway_flow, train_pathways
    from critlab.linear.hierarchy import hierarchy

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
            rows = _curve_rows(pairs[0][which], pairs[1][which], model, every)
            curves += [{"window": name, **row} for row in rows]
        ends = {key: value[-1].tolist() for key, value in zip("ab", (pair[0] for pair in pairs), strict=True)}
        finals += [
            {"window": name, "mode": mode, "S": _label(mode), "a": ends["a"][mode], "b": ends["b"][mode]}
            for mode in range(8)
        ]
        kept = [mode for mode in range(8) if all(mode != lesion.mode for lesion in lesions)]
        gaps.append({"window": name, "gap": max(float((d - f)[:, kept].abs().max()) for d, f in pairs)})
    return {"curves": curves, "finals": finals, "gaps": gaps}


def _curve_rows(a: Any, b: Any, model: str, every: int) -> list[JSON]:
    """K over time of the modes that the paper shows, from tensors ``(states, 8)``."""
    return [
        {"model": model, "pathway": pathway, "mode": _label(mode), "index": mode, "t": t, "k": float(k[t, mode])}
        for pathway, k in (("a", a), ("b", b))
        for mode in (SHOWN if model == "descent" else SHOWN[:-1])
        for t in range(0, len(k), every)
    ]


def _group_finals(activation: str, window: str, a: Sequence[Sequence[float]], b: Any) -> list[JSON]:
    """Means over rotations and equal modes, with the spread over rotations."""
    rows = []
    for modes in GROUPS:
        row: JSON = {"activation": activation, "window": window, "S": _label(modes[0]), "n": len(a)}
        for name, runs in (("a", a), ("b", b)):
            means = [sum(run[mode] for mode in modes) / len(modes) for run in runs]
            row |= {name: sum(means) / len(means), f"{name}_low": min(means), f"{name}_high": max(means)}
        rows.append(row)
    return rows


def _label(mode: int) -> str:
    return ("3.873", "2.646", "1.732", "1.732", "1", "1", "1", "1")[mode]


def pathways_charts(tables: Tables) -> list[Chart]:
    """One panel a window."""
    return [_window_chart("pathways", "Two pathways, pathway b gated early, in the middle, late", tables, WINDOWS)]


def lesion_charts(tables: Tables) -> list[Chart]:
    """One panel."""
    title = "One mode of pathway a is missing: pathway b, gated first, learns that mode and no other"
    return [_window_chart("lesion", title, tables, LESION_WINDOW)]


def nonlinear_charts(tables: Tables) -> list[Chart]:
    """One chart an activation, one panel a window."""
    return [
        _window_chart(
            f"pathways_{name}",
            f"The same with {title} after every layer",
            {"curves": [row for row in tables["curves"] if row["activation"] == name], "finals": tables["finals"]},
            WINDOWS,
        )
        for name, title in (("tanh", "Tanh"), ("relu", "ReLU"))
    ]


def _window_chart(key: str, title: str, tables: Tables, windows: dict[str, tuple[int, int]]) -> Chart:
    labels = [_label(mode) for mode in SHOWN[:-1]]
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


def _final(window: str, pathway: str, strength: str, **where: str) -> Any:
    return lambda tables: lookup(tables["finals"], pathway, window=window, S=strength, **where)


PATHWAYS_PUBLISHED = tuple(
    Published(f"{window} window, S = {s}, final K of pathway {pathway}", value, PROGRAM, _final(window, pathway, s))
    for window, pathway, s, value in (
        ("early", "a", "3.873", 3.8596),
        ("early", "b", "3.873", 0.0134),
        ("early", "b", "1", 0.0647),
        ("middle", "b", "1.732", 0.8660),
        ("middle", "b", "1", 0.2318),
        ("late", "b", "1", 0.5000),
    )
)
LESION_PUBLISHED = tuple(
    Published(f"S = {s}, final K of pathway {pathway}", value, PROGRAM, _final("early", pathway, s))
    for pathway, s, value in (("a", "2.646", 0.0126), ("b", "2.646", 2.6458), ("b", "1.732", 0.0155), ("a", "1", 0.96))
)
NONLINEAR_PUBLISHED = tuple(
    Published(
        f"{activation}, {window} window, S = {s}, final K of pathway b",
        value,
        PROGRAM,
        _final(window, "b", s, activation=activation),
    )
    for activation, window, s, value in (
        ("tanh", "early", "1", 0.236),
        ("tanh", "middle", "1", 0.385),
        ("tanh", "late", "1", 0.500),
        ("relu", "early", "1", 0.013),
        ("relu", "middle", "1", 0.340),
        ("relu", "late", "1", 0.499),
    )
)
