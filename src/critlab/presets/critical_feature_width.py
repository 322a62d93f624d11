"""Alignment against width, on XOR and on images: where theory, sampling and infinite width part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from critlab.presets.critical_feature_panels import (
    LOOKS,
    NOTE,
    PROTOCOL,
    Scale,
    Tables,
    chart,
    line,
    number,
    panel,
    pick,
    said,
    settled,
    trust,
)
from critlab.report.chart import Chart
from critlab.report.charts.encoding import JSON, quantity
from critlab.report.findings import Comparison

if TYPE_CHECKING:
    from torch import Tensor

    from critlab.kernels import KernelSamples

WIDTHS = {"small": (25, 50, 100, 200, 400, 800), "paper": (25, 50, 100, 200, 400, 800, 1600)}
SAMPLES = {"small": 300, "paper": 800}
DRAWS = {"small": 8000, "paper": 32000}
XOR = {"weight_scale": 1.0, "bias_scale": 0.5, "noise": 0.1, "activation": "erf"}
BATCHES = 64
IMAGES = {**XOR, "bias_scale": 0.05}


def compute_kernel_width(scale: Scale) -> Tables:
    """Alignment on XOR, P = 12, L = 1, by width: both modes of the theory, HMC and infinite width."""
    from critlab.kernels import xor_task

    inputs, targets = xor_task(12, seed=3)
    return _by_width(scale, inputs, targets, 1, XOR, "XOR, seed 3")


def compute_kernel_images(scale: Scale) -> Tables:
    """The same on two classes of images, P = 20: the Fashion-MNIST sample, at ``paper`` digits 0 and 3 of MNIST."""
    from critlab.kernels import image_task

    data = "sample" if scale == "small" else "mnist"
    inputs, targets = image_task(20, data=data)
    named = "Fashion-MNIST sample, classes 0 and 3" if scale == "small" else "MNIST digits 0 and 3"
    return _by_width(scale, inputs, targets, 1, IMAGES, named)


def _by_width(scale: Scale, inputs: Tensor, targets: Tensor, depth: int, model: dict[str, Any], task: str) -> Tables:
    import torch

    from critlab.kernels import adapted_kernels, alignment, prior_kernels, sample_kernels

    gram = torch.outer(targets, targets)
    prior = {k: v for k, v in model.items() if k != "noise"}
    wide = alignment(prior_kernels(inputs, depth=depth, **prior)[-1], gram)
    rows: list[JSON] = []
    solved, sampled = [], []
    for width in WIDTHS[scale]:
        rows.append(_row("NNGP", width, wide, True))
        for mode in ("leading", "tilted"):
            found = adapted_kernels(
                inputs,
                targets,
                depth=depth,
                width=width,
                mode=mode,
                draws=DRAWS[scale],
                batches=BATCHES,
                seed=0,
                **model,
            )
            solved.append(found)
            effective = min(found.effective_draws) / found.draws
            aligned = alignment(found.kernels[-1], gram)
            rows.append({**_row(f"theory, {mode}", width, aligned, found.trusted), "effective_share": effective})
        drawn = sample_kernels(inputs, targets, depth=depth, width=width, samples=SAMPLES[scale], seed=0, **model)
        sampled.append(drawn)
        rows.append(_sampled_row(width, drawn))
    settings = {
        "task": task, "P": len(targets), "N": f"{WIDTHS[scale][0]} to {WIDTHS[scale][-1]}", "L": depth,
        "g": model["weight_scale"], "bias": model["bias_scale"], "noise": model["noise"], "seed": 0,
        "activation": model["activation"], "mode": "leading and tilted", "draws": f"{BATCHES} x {DRAWS[scale]}",
        "convergence": trust(solved), "sampler": settled(sampled),
    }  # fmt: skip
    return {"width": rows, "settings": [settings]}


def _row(what: str, width: int, aligned: float, trusted: bool) -> JSON:
    bars = {"error": None, "low": None, "high": None}
    return {"what": what, "width": width, "alignment": aligned, **bars, "trusted": trusted, "label": f"{aligned:.4f}"}


def _sampled_row(width: int, drawn: KernelSamples) -> JSON:
    middle, error = drawn.alignment, drawn.alignment_error
    return {
        **_row("sampled", width, middle, drawn.converged),
        "error": error,
        "low": middle - 2 * error,
        "high": middle + 2 * error,
        "label": f"{middle:.4f} +- {error:.4f}",
        "rhat": drawn.rhat,
        "effective_samples": drawn.effective_samples,
    }


def charts_kernel_width(tables: Tables) -> list[Chart]:
    """Alignment of the output kernel against width, XOR."""
    return [_chart("kernel_width", "How far kernels adapt, by width: XOR", tables)]


def charts_kernel_images(tables: Tables) -> list[Chart]:
    """Alignment of the output kernel against width, images."""
    return [_chart("kernel_images", "How far kernels adapt, by width: images", tables)]


def _chart(key: str, title: str, tables: Tables) -> Chart:
    x = quantity("width", "width N", scale={"type": "log"}, axis={"values": list(WIDTHS["paper"])})
    y = quantity("alignment", "alignment with the targets", scale={"zero": False})
    rows = tables["width"]
    return chart(
        key,
        title,
        "Centred alignment of the output kernel with the targets. Error bars: two standard errors, jackknife over "
        "chains. Hollow: not converged. " + said(tables["settings"][0]) + " " + NOTE,
        "Chart of kernel alignment against width: theory and sampling fall together towards infinite width. The "
        "numbers follow in a table.",
        [panel("", rows, line("what", list(LOOKS), x, y))],
        rows,
    )


def compare_kernel_width(tables: Tables) -> list[Comparison]:
    """The protocol's three widths."""
    known = {50: ("0.0960", "0.1025", "0.1033 +- 0.0003"), 100: ("0.0866", "0.0892", "0.0898 +- 0.0004"),
             200: ("0.0804", "0.0814", "0.0813 +- 0.0002")}  # fmt: skip
    return _compared(tables, "XOR, P = 12, L = 1", "0.0724", known)


def compare_kernel_images(tables: Tables) -> list[Comparison]:
    """The protocol's width, on Fashion-MNIST only."""
    known = {100: ("0.4321", "0.4365", "0.4377 +- 0.0012")}
    if "MNIST digits" in tables["settings"][0]["task"]:
        known = {100: ("not stated", "not stated", "not stated")}
    return _compared(
        tables, "images, P = 20, L = 1", "0.4034" if known[100][0] != "not stated" else "not stated", known
    )


def _compared(tables: Tables, task: str, wide: str, known: dict[int, tuple[str, str, str]]) -> list[Comparison]:
    rows = tables["width"]
    found = [Comparison(f"alignment, {task}, infinite width", wide, PROTOCOL, number(pick(rows, what="NNGP")))]
    for width, numbers in known.items():
        for what, value in zip(("theory, leading", "theory, tilted", "sampled"), numbers, strict=True):
            ours = number(pick(rows, what=what, width=width))
            found.append(Comparison(f"alignment, {task}, N = {width}, {what}", value, PROTOCOL, ours))
    gap = [_share_left(rows, width) for width in sorted({row["width"] for row in rows})]
    text = f"at most {max(gap):.0%} over all widths shown"
    found.append(
        Comparison(f"{task}: share of infinite width's error that tilted leaves", "at most 9 %", PROTOCOL, text)
    )
    return found


def _share_left(rows: list[JSON], width: int) -> float:
    """``|tilted - sampled| / |NNGP - sampled|`` at one width."""
    at = {what: float(pick(rows, what=what, width=width)["alignment"]) for what in LOOKS}
    return abs(at["theory, tilted"] - at["sampled"]) / abs(at["NNGP"] - at["sampled"])
