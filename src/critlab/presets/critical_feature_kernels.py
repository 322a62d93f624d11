"""One entry of the kernel reweighed by the data, the kernels as images, and the alignment layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from critlab.presets.critical_feature_panels import (
    NOTE,
    PAPER,
    PROTOCOL,
    Scale,
    Tables,
    chart,
    line,
    panel,
    said,
    settled,
    trust,
)
from critlab.report.chart import Chart, Panel
from critlab.report.charts.encoding import JSON, legend, quantity, tip
from critlab.report.findings import Comparison

if TYPE_CHECKING:
    from torch import Tensor

MODEL: dict[str, Any] = {"weight_scale": 1.0, "bias_scale": 0.5, "noise": 0.1, "activation": "erf"}
PRIOR = {name: value for name, value in MODEL.items() if name != "noise"}
PAIR = [0, 2]
"""Points of different classes: alone, so that the data move one entry and its distribution shows it."""
NETWORKS = {"small": 40_000, "paper": 400_000}
BINS = 60
PRIORS = {"narrow (N = 400)": 400, "broad (N = 20)": 20}


def _settings(width: str, depth: int, points: int, **more: Any) -> JSON:
    return {
        "task": "XOR, seed 3", "P": points, "N": width, "L": depth, "g": MODEL["weight_scale"],
        "bias": MODEL["bias_scale"], "noise": MODEL["noise"], "seed": 0, "activation": "erf", **more,
    }  # fmt: skip


def compute_kernel_reweighing(scale: Scale) -> Tables:
    """One entry of C^L, of two points of different classes, over networks: prior, and weighted by the data."""
    import torch

    from critlab.kernels import adapted_kernels, prior_kernels, xor_task
    from critlab.kernels.importance import prior_draws
    from critlab.kernels.model import checked_prior, checked_problem

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
    few = min(effective.values())
    sampler = f"importance, {NETWORKS[scale]} prior networks, at least {few:.0f} effective"
    more = {"entry": "the two points of different classes", "mode": "tilted", "convergence": trust(solved)}
    return {"bins": bins, "lines": lines, "settings": [_settings("400 and 20", 1, 2, **more, sampler=sampler)]}


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


def charts_kernel_reweighing(tables: Tables) -> list[Chart]:
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
            "The data reweigh the prior's kernels",
            "Distribution of one entry of the output kernel over networks. The broader prior lets the data move it "
            "further towards the target, which lies far to the left. " + said(tables["settings"][0]) + " " + NOTE,
            "Two histograms of a kernel entry, prior and posterior. The numbers follow in a table.",
            panels,
            tables["lines"],
        )
    ]


def compare_kernel_reweighing(tables: Tables) -> list[Comparison]:
    """Figure 1 is a drawing without numbers: the direction, and that the broad prior moves further."""
    found = []
    for name in PRIORS:
        row = next(r for r in tables["lines"] if r["prior"] == name and r["mark"] == "posterior mean")
        theory = next(r for r in tables["lines"] if r["prior"] == name and r["mark"] == "theory (MAP)")
        ours = f"{row['shift']:+.4f} (theory {theory['shift']:+.4f}); prior deviation {row['prior_deviation']:.4f}"
        what = f"shift of the entry by the data, {name} prior"
        found.append(Comparison(what, "towards the target -1, further for the broad prior", f"{PAPER}, figure 1", ours))
    return found


KERNEL_POINTS, KERNEL_WIDTH, KERNEL_DEPTH = 12, 100, 2
KERNEL_SAMPLES = {"small": 400, "paper": 2000}


def compute_kernels(scale: Scale) -> Tables:
    """Output kernels of infinite width, of the theory and of the posterior, and of the targets, sorted by class."""
    import torch

    from critlab.kernels import adapted_kernels, alignment, prior_kernels, sample_kernels, xor_task

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
    settings = _settings(str(KERNEL_WIDTH), KERNEL_DEPTH, KERNEL_POINTS, **more)
    return {"cells": cells, "summary": summary, "settings": [settings]}


def charts_kernels(tables: Tables) -> list[Chart]:
    """Four matrices side by side, the alignment in each title."""
    panels = []
    shown = [row for row in tables["cells"] if row["kernel"] != "targets"]
    limits = [min(row["value"] for row in shown), max(row["value"] for row in shown)]
    for row in tables["summary"]:
        name = row["kernel"]
        colour = quantity("shade", "C", scale={"domain": limits, "range": ["$deep0", "$deep10", "$deep20"]})
        places = {
            "x": {"field": "a", "type": "ordinal", "axis": None},
            "y": {"field": "b", "type": "ordinal", "axis": None},
        }
        tips = [tip("a", "point"), tip("b", "point"), tip("value", "C")]
        cells = [{**cell, "shade": _shade(cell, limits)} for cell in tables["cells"] if cell["kernel"] == name]
        layers: list[JSON] = [
            {"mark": {"type": "rect", "aria": False}, "encoding": {**places, "color": colour, "tooltip": tips}}
        ]
        panels.append(panel(f"{name}: alignment {row['alignment']:.4f}", cells, layers, height=220))
    return [
        chart(
            "kernels",
            "The output kernel before and after it met the data",
            "Points sorted by class, so that a kernel that fits the targets shows two bright blocks. The first three "
            "share one scale of colours; the targets -1 and 1 have its two ends. "
            + said(tables["settings"][0])
            + " "
            + NOTE,
            "Four matrices as images: infinite width, theory, sampled, targets. Alignments follow in a table.",
            panels,
            tables["summary"],
        )
    ]


def _shade(cell: JSON, limits: list[float]) -> float:
    """What is drawn: panels side by side share one scale of colours, in which targets would leave kernels pale."""
    if cell["kernel"] != "targets":
        return float(cell["value"])
    return limits[0] if cell["value"] < 0 else limits[1]


def compare_kernels(tables: Tables) -> list[Comparison]:
    """The protocol's row P = 12, N = 100, L = 2."""
    known = {"infinite width": "0.1071", "theory, tilted": "0.1445", "sampled": "0.1446 +- 0.0010"}
    found = []
    for row in tables["summary"]:
        if row["kernel"] in known:
            error = f" +- {row['error']:.4f}" if row["error"] else ""
            what = f"alignment, XOR, P = 12, N = 100, L = 2, {row['kernel']}"
            found.append(Comparison(what, known[row["kernel"]], PROTOCOL, f"{row['alignment']:.4f}{error}"))
    return found


LAYERS_DEPTH = 4
BATCHES = 16
LAYERS_DRAWS = {"small": 16_000, "paper": 64_000}


def compute_kernel_layers(scale: Scale) -> Tables:
    """Alignment of every layer's kernel and the size of its conjugate, four hidden layers."""
    import torch

    from critlab.kernels import adapted_kernels, layer_alignments, prior_kernels, xor_task

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
    return {"layers": rows, "settings": [_settings("100", LAYERS_DEPTH, 12, **more)]}


def _layer_row(what: str, layer: int, aligned: float, size: float | None, trusted: bool) -> JSON:
    bars = {"low": None, "high": None, "trusted": trusted, "label": f"{aligned:.4f}"}
    return {"what": what, "layer": layer, "alignment": aligned, "conjugate": size, **bars}


def charts_kernel_layers(tables: Tables) -> list[Chart]:
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
            "How the targets reach the lower layers",
            "Left: alignment of each layer's kernel. Right: the conjugate that carries the data's pull backward. "
            + said(tables["settings"][0]) + " " + NOTE,
            "Charts of alignment and size of the conjugate by layer. The numbers follow in a table.",
            [panel("Alignment", rows, line("what", names, x, y)), panel("Pull", theory, line("what", names[1:], x, z))],
            rows,
        )
    ]  # fmt: skip


def compare_kernel_layers(tables: Tables) -> list[Comparison]:
    """No published numbers; the gain of each layer over infinite width."""
    rows = tables["layers"]
    wide = {row["layer"]: row["alignment"] for row in rows if row["what"] == "NNGP"}
    gains = [
        f"layer {row['layer']} {row['alignment'] - wide[row['layer']]:+.4f}"
        for row in rows
        if row["what"] == "theory, tilted"
    ]
    return [Comparison("gain in alignment over infinite width, tilted", "not stated", PROTOCOL, ", ".join(gains))]
