"""Alignment against width: theory, sampling and infinite width on one task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from critlab.papers.critical_feature_learning.settings import LOOKS, NOTE, PROTOCOL, line, number, settled, trust
from critlab.papers.figure import JSON, Scale, Tables
from critlab.report.chart import Chart
from critlab.report.charts.encoding import quantity
from critlab.report.charts.kit import chart, panel, pick
from critlab.report.findings import Comparison, LargestShare
from critlab.report.text.figures.theories import settings_sentence
from critlab.report.text.numbers import with_error

if TYPE_CHECKING:
    from torch import Tensor

    from critlab.theory.kernels import KernelSamples


WIDTHS = {"small": (25, 50, 100, 200, 400, 800), "paper": (25, 50, 100, 200, 400, 800, 1600)}
SAMPLES = {"small": 300, "paper": 800}
DRAWS = {"small": 8000, "paper": 32000}
XOR = {"weight_scale": 1.0, "bias_scale": 0.5, "noise": 0.1, "activation": "erf"}
BATCHES = 64
IMAGES = {**XOR, "bias_scale": 0.05}


def by_width(scale: Scale, inputs: Tensor, targets: Tensor, depth: int, model: dict[str, Any], task: str) -> Tables:
    """Alignment by width of infinite width, both modes of the theory and the sampler; ``task`` names the inputs."""
    import torch

    from critlab.theory.kernels import adapted_kernels, alignment, prior_kernels, sample_kernels

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
    return {
        "what": what,
        "width": width,
        "alignment": aligned,
        **bars,
        "trusted": trusted,
        "label": with_error(aligned, None),
    }


def _sampled_row(width: int, drawn: KernelSamples) -> JSON:
    middle, error = drawn.alignment, drawn.alignment_error
    return {
        **_row("sampled", width, middle, drawn.converged),
        "error": error,
        "low": middle - 2 * error,
        "high": middle + 2 * error,
        "label": with_error(middle, error),
        "rhat": drawn.rhat,
        "effective_samples": drawn.effective_samples,
    }


def width_chart(key: str, title: str, tables: Tables) -> Chart:
    """Alignment of the output kernel against width."""
    x = quantity("width", "width N", scale={"type": "log"}, axis={"values": list(WIDTHS["paper"])})
    y = quantity("alignment", "alignment with the targets", scale={"zero": False})
    rows = tables["width"]
    return chart(
        key,
        title,
        "Centred alignment of the output kernel with the targets. Error bars: two standard errors, jackknife over "
        "chains. Hollow: not converged. " + settings_sentence(tables["settings"][0]) + " " + NOTE,
        "Chart of kernel alignment against width, of theory and sampling. The numbers follow in a table.",
        [panel("", rows, line("what", list(LOOKS), x, y))],
        rows,
    )


def width_comparisons(tables: Tables, task: str, wide: str, known: dict[int, tuple[str, str, str]]) -> list[Comparison]:
    """Our alignments next to the known ones, by width: leading, tilted and sampled; ``wide`` is infinite width."""
    rows = tables["width"]
    found = [Comparison(f"alignment, {task}, infinite width", wide, PROTOCOL, number(pick(rows, what="NNGP")))]
    for width, numbers in known.items():
        for what, value in zip(("theory, leading", "theory, tilted", "sampled"), numbers, strict=True):
            ours = number(pick(rows, what=what, width=width))
            found.append(Comparison(f"alignment, {task}, N = {width}, {what}", value, PROTOCOL, ours))
    gap = [_share_left(rows, width) for width in sorted({row["width"] for row in rows})]
    what = f"{task}: share of infinite width's error that tilted leaves"
    found.append(Comparison(what, "at most 9 %", PROTOCOL, LargestShare(max(gap))))
    return found


def _share_left(rows: Sequence[JSON], width: int) -> float:
    """``|tilted - sampled| / |NNGP - sampled|`` at one width."""
    at = {what: float(pick(rows, what=what, width=width)["alignment"]) for what in LOOKS}
    return abs(at["theory, tilted"] - at["sampled"]) / abs(at["NNGP"] - at["sampled"])
