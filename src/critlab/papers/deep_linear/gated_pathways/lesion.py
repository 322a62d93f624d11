"""Paper 3, the analogue of Guillery's experiment: one mode of a pathway is missing."""

from __future__ import annotations

from critlab.papers.deep_linear import PAPER, PROGRAM
from critlab.papers.deep_linear.gated_pathways.two_pathways import (
    KAPPA,
    LESION_WINDOW,
    descent_and_flow,
    final_strength,
    group_finals,
    window_chart,
)
from critlab.papers.figure import THEORY_SCALES, Figure, Published, Scale, Tables
from critlab.report.chart import Chart


def tables(scale: Scale) -> Tables:
    """Mode 1 of pathway a lesioned, pathway b gated first, depth 3; linear, and with Tanh."""
    from critlab.theory.linear import Gate, Lesion, train_pathways

    found = descent_and_flow(3, LESION_WINDOW, (Lesion("a", 1),), KAPPA)
    seeds = list(range(3 if scale == "small" else 10))
    run = train_pathways(
        3,
        kappa=list(KAPPA),
        gates=[Gate("b", *LESION_WINDOW["early"])],
        lesions=[Lesion("a", 1)],
        activation="tanh",
        rotation_seed=seeds,
    )
    return {**found, "tanh": group_finals("tanh", "early", run.a[-1].tolist(), run.b[-1].tolist())}


def charts(tables: Tables) -> list[Chart]:
    """One panel."""
    title = "One mode of pathway a is missing; pathway b is gated first"
    return [window_chart("lesion", title, tables, LESION_WINDOW)]


PUBLISHED = tuple(
    Published(f"S = {s}, final K of pathway {pathway}", value, PROGRAM, final_strength("early", pathway, s))
    for pathway, s, value in (("a", "2.646", 0.0126), ("b", "2.646", 2.6458), ("b", "1.732", 0.0155), ("a", "1", 0.96))
)


FIGURE = Figure(
    question="what does a gated pathway learn when the other lacks a mode?",
    source=f"{PAPER}, the analogue of Guillery's experiment",
    scales=THEORY_SCALES,
    tables=tables,
    published=PUBLISHED,
    charts=charts,
)
