"""Figure 1 of paper 4: one entry of the kernel over networks, prior and reweighed by the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from critlab.papers.critical_feature_learning.settings import MODEL, NOTE, PAPER, PRIOR, settings, trust
from critlab.papers.figure import JSON, THEORY_SCALES, Figure, Scale, Tables
from critlab.report.chart import Chart, Panel
from critlab.report.charts.encoding import legend, quantity, tip
from critlab.report.charts.kit import chart
from critlab.report.findings import Comparison, EntryShift
from critlab.report.text.figures.theories import importance_text, settings_sentence, shifts_sentence

if TYPE_CHECKING:
    from torch import Tensor


PAIR = [0, 2]
"""Points of different classes: alone, so that the data move one entry and its distribution shows it."""
NETWORKS = {"small": 40_000, "paper": 400_000}
BINS = 60
PRIORS = {"narrow (N = 400)": 400, "broad (N = 20)": 20}


def tables(scale: Scale) -> Tables:
    """One entry of C^L, of two points of different classes, over networks: prior, and weighted by the data."""
    import torch

    from critlab.theory.kernels import adapted_kernels, prior_kernels, xor_task
    from critlab.theory.kernels.model import checked_prior, checked_problem
    from critlab.theory.kernels.sampling.importance import prior_draws

    inputs, targets = (values[PAIR] for values in xor_task(12, seed=3))
    prior = checked_prior(1, 1.0, None, None, MODEL["bias_scale"], "erf")
    wide = float(prior_kernels(inputs, depth=1, **PRIOR)[-1][0, 1])
    bins: list[JSON] = []
    lines: list[JSON] = []
    solved = []
    effective = {}
    for name, width in PRIORS.items():
        problem = checked_problem(inputs, targets, prior, width, MODEL["noise"])
        parts = list(prior_draws(problem, NETWORKS[scale], seed=0))
        entry = torch.cat([part.kernels[:, 0, 1] for part in parts])
        weights = torch.softmax(torch.cat([part.log_weights for part in parts]), 0)
        bins += _histogram(name, entry, weights)
        found = adapted_kernels(inputs, targets, depth=1, width=width, **MODEL)
        solved.append(found)
        effective[width] = float(1 / weights.square().sum())
        mean = float(weights @ entry)
        marks = {"infinite width": wide, "theory (MAP)": float(found.kernels[-1][0, 1]), "posterior mean": mean}
        deviation = float(entry.std())
        lines += [
            {"prior": name, "mark": mark, "value": value, "prior_deviation": deviation, "shift": value - wide,
             "effective_networks": effective[width]}
            for mark, value in marks.items()
        ]  # fmt: skip
    sampler = importance_text(NETWORKS[scale], min(effective.values()))
    more = {"entry": "the two points of different classes", "mode": "tilted", "convergence": trust(solved)}
    return {"bins": bins, "lines": lines, "settings": [settings("400 and 20", 1, 2, **more, sampler=sampler)]}


def _histogram(name: str, entry: Tensor, weights: Tensor) -> list[JSON]:
    """Densities in equal bins over four prior deviations on each side."""
    import numpy as np

    middle, deviation = float(entry.mean()), float(entry.std())
    edges = np.linspace(middle - 4 * deviation, middle + 4 * deviation, BINS + 1)
    rows = []
    for what, counted in (("prior", None), ("posterior", weights.numpy())):
        density, _ = np.histogram(entry.numpy(), edges, weights=counted, density=True)
        centres = (edges[1:] + edges[:-1]) / 2
        rows += [
            {"prior": name, "what": what, "value": float(x), "density": float(y)}
            for x, y in zip(centres, density, strict=True)
        ]
    return rows


def charts(tables: Tables) -> list[Chart]:
    """Two densities for each prior, with lines for infinite width and theory."""
    looks = legend("what", None, ["prior", "posterior"], ["$control", "$deficit"])["color"]
    x = quantity("value", "kernel entry C_ab; the target is -1", scale={"zero": False})
    marks = legend("mark", None, ["infinite width", "theory (MAP)", "posterior mean"], ["$soft", "$negative", "$clock"])
    panels = []
    for name in PRIORS:
        rows = [row for row in tables["bins"] if row["prior"] == name]
        lines = [row for row in tables["lines"] if row["prior"] == name]
        area = {"type": "area", "opacity": 0.35, "line": True}
        rule = {"type": "rule", "strokeWidth": 2, "strokeDash": [5, 3]}
        layers: list[JSON] = [
            {"mark": area, "encoding": {"x": x, "y": quantity("density", "density", stack=None), "color": looks}},
            {
                "data": {"values": lines},
                "mark": rule,
                "encoding": {"x": x, "color": marks["color"], "tooltip": [tip("mark", "line"), tip("value", "value")]},
            },
        ]
        spec: JSON = {"data": {"values": rows}, "layer": layers, "resolve": {"scale": {"color": "independent"}}}
        panels.append(Panel(name, spec, 14, 280))
    return [
        chart(
            "kernel_reweighing",
            "A kernel entry in the prior and in the posterior",
            "Distribution of one entry of the output kernel over networks; the target is -1. "
            + f"{shifts_sentence(_shifts(tables))} "
            + settings_sentence(tables["settings"][0])
            + " "
            + NOTE,
            "Two histograms of a kernel entry, prior and posterior. The numbers follow in a table.",
            panels,
            tables["lines"],
        )
    ]


def _shifts(tables: Tables) -> dict[str, float]:
    """How far the data move the mean of the entry in each prior."""
    return {row["prior"]: row["shift"] for row in tables["lines"] if row["mark"] == "posterior mean"}


def compare(tables: Tables) -> list[Comparison]:
    """Figure 1 is a drawing without numbers: the direction, and that the broad prior moves further."""
    found = []
    for name in PRIORS:
        row = next(r for r in tables["lines"] if r["prior"] == name and r["mark"] == "posterior mean")
        theory = next(r for r in tables["lines"] if r["prior"] == name and r["mark"] == "theory (MAP)")
        ours = EntryShift(row["shift"], theory["shift"], row["prior_deviation"])
        what = f"shift of the entry by the data, {name} prior"
        found.append(Comparison(what, "towards the target -1, further for the broad prior", f"{PAPER}, figure 1", ours))
    return found


FIGURE = Figure(
    question="how do data reweigh the kernels of the prior, narrow and broad?",
    source=f"{PAPER}, figure 1",
    scales=THEORY_SCALES,
    tables=tables,
    charts=charts,
    compare=compare,
    version=2,
)
