"""Figure 2 of paper 3: two pathways, one of them gated early, in the middle or late."""

from __future__ import annotations

from critlab.papers.deep_linear import PAPER, PROGRAM
from critlab.papers.deep_linear.gated_pathways.two_pathways import (
    GROUPS,
    KAPPA,
    WINDOWS,
    descent_and_flow,
    final_strength,
    strength_label,
    window_chart,
)
from critlab.papers.figure import THEORY_SCALES, Figure, Published, Scale, Tables
from critlab.report.chart import Chart


def tables(scale: Scale) -> Tables:
    """Curves, finals and the gap between descent and flow for three windows, depth 4; finals over draws of kappa."""
    from critlab.theory.linear import Gate, train_pathways
    from critlab.theory.linear.hierarchy import drawn_kappas

    gates = [[Gate("b", *window)] for window in WINDOWS.values()]
    found = descent_and_flow(4, WINDOWS, (), KAPPA)
    draws = []
    for seed in range(5 if scale == "small" else 30):
        run = train_pathways(4, kappa=drawn_kappas(0.01, 100, seed), gates=gates)
        for place, name in enumerate(WINDOWS):
            draws += [
                {
                    "draw": seed,
                    "window": name,
                    "S": strength_label(modes[0]),
                    "b": float(run.b[-1, place, list(modes)].mean()),
                }
                for modes in GROUPS
            ]
    return {**found, "draws": draws}


def charts(tables: Tables) -> list[Chart]:
    """One panel a window."""
    return [window_chart("pathways", "Two pathways, pathway b gated early, in the middle, late", tables, WINDOWS)]


PUBLISHED = tuple(
    Published(
        f"{window} window, S = {s}, final K of pathway {pathway}", value, PROGRAM, final_strength(window, pathway, s)
    )
    for window, pathway, s, value in (
        ("early", "a", "3.873", 3.8596),
        ("early", "b", "3.873", 0.0134),
        ("early", "b", "1", 0.0647),
        ("middle", "b", "1.732", 0.8660),
        ("middle", "b", "1", 0.2318),
        ("late", "b", "1", 0.5000),
    )
)


def playground() -> str:
    """The interactive page: the strengths of four modes over time, computed as the sliders move."""
    from critlab.theory.linear.playing import playing_page

    return playing_page("pathways")


FIGURE = Figure(
    question="which pathway learns a mode when one is gated early, in the middle or late?",
    source=f"{PAPER}, figure 2",
    scales=THEORY_SCALES,
    tables=tables,
    published=PUBLISHED,
    charts=charts,
    playground=playground,
)
