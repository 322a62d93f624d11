"""Appendix of paper 3: the two pathways with Tanh and ReLU."""

from __future__ import annotations

from critlab.papers.deep_linear import PAPER, PROGRAM
from critlab.papers.deep_linear.gated_pathways.two_pathways import (
    KAPPA,
    MARKER_EVERY,
    WINDOWS,
    curve_rows,
    final_strength,
    group_finals,
    window_chart,
)
from critlab.papers.figure import THEORY_SCALES, Figure, Published, Scale, Tables
from critlab.report.chart import Chart


def tables(scale: Scale) -> Tables:
    """Tanh and ReLU after every layer, depth 3, over several rotations of the hidden layers."""
    from critlab.theory.linear import Gate, train_pathways

    curves, finals = [], []
    seeds = list(range(3 if scale == "small" else 10))
    for activation in ("tanh", "relu"):
        for name, window in WINDOWS.items():
            run = train_pathways(
                3, kappa=list(KAPPA), activation=activation, gates=[Gate("b", *window)], rotation_seed=seeds
            )
            part = {"activation": activation, "window": name}
            curves += [{**part, **row} for row in curve_rows(run.a.mean(1), run.b.mean(1), "descent", MARKER_EVERY)]
            finals += group_finals(activation, name, run.a[-1].tolist(), run.b[-1].tolist())
    return {"curves": curves, "finals": finals}


def charts(tables: Tables) -> list[Chart]:
    """One chart an activation, one panel a window."""
    return [
        window_chart(
            f"pathways_{name}",
            f"Two pathways with {title} after every layer",
            {"curves": [row for row in tables["curves"] if row["activation"] == name], "finals": tables["finals"]},
            WINDOWS,
        )
        for name, title in (("tanh", "Tanh"), ("relu", "ReLU"))
    ]


PUBLISHED = tuple(
    Published(
        f"{activation}, {window} window, S = {s}, final K of pathway b",
        value,
        PROGRAM,
        final_strength(window, "b", s, activation=activation),
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


FIGURE = Figure(
    question="is it the same with Tanh and ReLU?",
    source=f"{PAPER}, appendix",
    scales=THEORY_SCALES,
    tables=tables,
    published=PUBLISHED,
    charts=charts,
)
