"""The output kernels of infinite width, of the theory and of the posterior, as images."""

from __future__ import annotations

from critlab.papers.critical_feature_learning.settings import (
    MODEL,
    NOTE,
    PAPER,
    PRIOR,
    PROTOCOL,
    number,
    settings,
    settled,
    trust,
)
from critlab.papers.figure import JSON, THEORY_SCALES, Figure, Scale, Tables
from critlab.report.chart import Chart
from critlab.report.charts.encoding import quantity, tip
from critlab.report.charts.kit import chart, panel
from critlab.report.findings import Comparison
from critlab.report.text.figures.theories import settings_sentence
from critlab.report.text.numbers import with_error

KERNEL_POINTS, KERNEL_WIDTH, KERNEL_DEPTH = 12, 100, 2
KERNEL_SAMPLES = {"small": 400, "paper": 2000}


def tables(scale: Scale) -> Tables:
    """Output kernels of infinite width, of the theory and of the posterior, and of the targets, sorted by class."""
    import torch

    from critlab.theory.kernels import adapted_kernels, alignment, prior_kernels, sample_kernels, xor_task

    inputs, targets = xor_task(KERNEL_POINTS, seed=3)
    gram = torch.outer(targets, targets)
    model = {"depth": KERNEL_DEPTH, "width": KERNEL_WIDTH, **MODEL}
    found = adapted_kernels(inputs, targets, **model)
    drawn = sample_kernels(inputs, targets, samples=KERNEL_SAMPLES[scale], **model)
    wide = prior_kernels(inputs, depth=KERNEL_DEPTH, **PRIOR)[-1]
    order = targets.argsort(descending=True, stable=True)
    named = {"infinite width": wide, "theory, tilted": found.kernels[-1], "sampled": drawn.mean, "targets": gram}
    cells = [
        {"kernel": name, "a": a, "b": b, "value": float(kernel[i, j])}
        for name, kernel in named.items()
        for a, i in enumerate(order.tolist())
        for b, j in enumerate(order.tolist())
    ]
    errors = {"sampled": drawn.alignment_error}
    summary = [
        {"kernel": name, "alignment": alignment(kernel, gram), "error": errors.get(name)}
        for name, kernel in named.items()
    ]
    more = {"mode": "tilted", "convergence": trust([found]), "sampler": settled([drawn])}
    made = settings(str(KERNEL_WIDTH), KERNEL_DEPTH, KERNEL_POINTS, **more)
    return {"cells": cells, "summary": summary, "settings": [made]}


def charts(tables: Tables) -> list[Chart]:
    """Four matrices side by side, the alignment in each title."""
    panels = []
    shown = [row for row in tables["cells"] if row["kernel"] != "targets"]
    limits = [min(row["value"] for row in shown), max(row["value"] for row in shown)]
    for row in tables["summary"]:
        name = row["kernel"]
        own = {"domain": [-1, 1]} if name == "targets" else {"domain": limits}
        colour = quantity(
            "value", "target" if name == "targets" else "C", scale={**own, "range": ["$deep0", "$deep10", "$deep20"]}
        )
        places = {
            "x": {"field": "a", "type": "ordinal", "axis": None},
            "y": {"field": "b", "type": "ordinal", "axis": None},
        }
        tips = [tip("a", "point"), tip("b", "point"), tip("value", str(colour["title"]))]
        cells = [cell for cell in tables["cells"] if cell["kernel"] == name]
        layers: list[JSON] = [
            {"mark": {"type": "rect", "aria": False}, "encoding": {**places, "color": colour, "tooltip": tips}}
        ]
        panels.append(panel(f"{name}: alignment {with_error(row['alignment'], None)}", cells, layers, height=220))
    return [
        chart(
            "kernels",
            "The output kernel before and after it met the data",
            "Points sorted by class, so that a kernel that fits the targets shows two bright blocks. The first three "
            "share one scale of colours; the targets, -1 and 1, have their own. "
            + settings_sentence(tables["settings"][0])
            + " "
            + NOTE,
            "Four matrices as images: infinite width, theory, sampled, targets. Alignments follow in a table.",
            panels,
            tables["summary"],
        )
    ]


def compare(tables: Tables) -> list[Comparison]:
    """The protocol's row P = 12, N = 100, L = 2."""
    known = {"infinite width": "0.1071", "theory, tilted": "0.1445", "sampled": "0.1446 ± 0.0010"}
    found = []
    for row in tables["summary"]:
        if row["kernel"] in known:
            what = f"alignment, XOR, P = 12, N = 100, L = 2, {row['kernel']}"
            found.append(Comparison(what, known[row["kernel"]], PROTOCOL, number(row)))
    return found


FIGURE = Figure(
    question="what do the output kernels look like before and after they met the data?",
    source=f"ours, after {PAPER}",
    scales=THEORY_SCALES,
    tables=tables,
    charts=charts,
    compare=compare,
    version=2,
)
