"""How the targets reach the lower layers: alignment and conjugate, layer by layer."""

from __future__ import annotations

from critlab.papers.critical_feature_learning.settings import (
    MODEL,
    NOTE,
    PAPER,
    PRIOR,
    PROTOCOL,
    line,
    settings,
    trust,
)
from critlab.papers.figure import JSON, THEORY_SCALES, Figure, Scale, Tables
from critlab.report.chart import Chart
from critlab.report.charts.encoding import quantity
from critlab.report.charts.kit import chart, panel
from critlab.report.findings import Comparison, LayerGains
from critlab.report.text.figures.theories import settings_sentence
from critlab.report.text.numbers import with_error

LAYERS_DEPTH = 4
BATCHES = 16
LAYERS_DRAWS = {"small": 16_000, "paper": 64_000}


def tables(scale: Scale) -> Tables:
    """Alignment of every layer's kernel and the size of its conjugate, four hidden layers."""
    import torch

    from critlab.theory.kernels import adapted_kernels, layer_alignments, prior_kernels, xor_task

    inputs, targets = xor_task(12, seed=3)
    wide = layer_alignments(prior_kernels(inputs, depth=LAYERS_DEPTH, **PRIOR), targets)
    rows = [_layer_row("NNGP", layer, aligned, None, True) for layer, aligned in enumerate(wide)][1:]
    solved = []
    for mode in ("leading", "tilted"):
        found = adapted_kernels(
            inputs,
            targets,
            depth=LAYERS_DEPTH,
            width=100,
            mode=mode,
            draws=LAYERS_DRAWS[scale],
            batches=BATCHES,
            **MODEL,
        )
        solved.append(found)
        aligned = layer_alignments(found.kernels, targets)
        for layer, conjugate in enumerate(found.conjugates, 1):
            size = float(torch.linalg.matrix_norm(conjugate))
            rows.append(_layer_row(f"theory, {mode}", layer, aligned[layer], size, found.trusted))
    more = {
        "mode": "leading and tilted",
        "draws": f"{BATCHES} x {LAYERS_DRAWS[scale]}",
        "convergence": trust(solved),
        "sampler": "none",
    }
    return {"layers": rows, "settings": [settings("100", LAYERS_DEPTH, 12, **more)]}


def _layer_row(what: str, layer: int, aligned: float, size: float | None, trusted: bool) -> JSON:
    bars = {"low": None, "high": None, "trusted": trusted, "label": with_error(aligned, None)}
    return {"what": what, "layer": layer, "alignment": aligned, "conjugate": size, **bars}


def charts(tables: Tables) -> list[Chart]:
    """Alignment by layer, and how strong the backward pass is there."""
    x = quantity("layer", "layer l", axis={"values": list(range(1, LAYERS_DEPTH + 1)), "format": "d"})
    y = quantity("alignment", "alignment with the targets", scale={"zero": False})
    z = quantity("conjugate", "size of the conjugate |T| (Frobenius)", scale={"zero": True})
    rows = tables["layers"]
    theory = [row for row in rows if row["conjugate"] is not None]
    names = ["NNGP", "theory, leading", "theory, tilted"]
    return [
        chart(
            "kernel_layers",
            "The targets, layer by layer",
            "Left: alignment of each layer's kernel. Right: the conjugate that carries the data's pull backward. "
            + settings_sentence(tables["settings"][0]) + " " + NOTE,
            "Charts of alignment and size of the conjugate by layer. The numbers follow in a table.",
            [panel("Alignment", rows, line("what", names, x, y)), panel("Pull", theory, line("what", names[1:], x, z))],
            rows,
        )
    ]  # fmt: skip


def compare(tables: Tables) -> list[Comparison]:
    """No published numbers; the gain of each layer over infinite width."""
    rows = tables["layers"]
    wide = {row["layer"]: row["alignment"] for row in rows if row["what"] == "NNGP"}
    tilted = [row for row in rows if row["what"] == "theory, tilted"]
    gains = LayerGains(tuple((row["layer"], row["alignment"] - wide[row["layer"]]) for row in tilted))
    return [Comparison("gain in alignment over infinite width, tilted", "not stated", PROTOCOL, gains)]


FIGURE = Figure(
    question="how do the targets reach the lower layers?",
    source=f"ours, after {PAPER}",
    scales=THEORY_SCALES,
    tables=tables,
    charts=charts,
    compare=compare,
    version=2,
)
