"""Adaptation across the edge of chaos of the prior: susceptibility, fluctuations and the gain in alignment."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from critlab.papers.critical_feature_learning.settings import NOTE, PAPER, PROTOCOL, number, settled
from critlab.papers.figure import JSON, THEORY_SCALES, Figure, Scale, Tables
from critlab.report.chart import Chart
from critlab.report.charts.encoding import quantity, tip
from critlab.report.charts.kit import at_line, chart, panel, pick, shapes
from critlab.report.findings import Comparison, PeakPlace
from critlab.report.text.figures.theories import largest_gains_sentence, settings_sentence
from critlab.report.theme import ordered

if TYPE_CHECKING:
    from torch import Tensor

    from critlab.theory.kernels import KernelSamples


Readout = Literal["shared", "held"]
BIAS, NOISE, WIDTH = 0.05, 0.1, 100
DEPTHS = (2, 4, 6)
SCALES_OF_G = (0.5, 0.7, 0.85, 1.0, 1.2, 1.4, 2.0, 3.0)
SAMPLED_DEPTH, SAMPLED_G = 4, {"small": (0.5, 1.0, 1.4, 3.0), "paper": (0.5, 0.7, 1.0, 1.4, 2.0, 3.0)}
NETWORKS = {"small": 400, "paper": 4000}
SAMPLES = {"small": 60, "paper": 400}
DRAWS = {"small": 2000, "paper": 16_000}
BATCHES = 8
WIDTHS = {
    "small": (800, 400, 200, 100),
    "paper": (1600, 1130, 800, 566, 400, 283, 200, 166, 141, 120, 110, 100),
}
READOUTS: dict[Readout, str] = {"shared": "readout shares g", "held": "mean output variance held at 1"}


def tables(scale: Scale) -> Tables:
    """XOR, P = 12, N = 100: chi by g, and by depth and kind of readout the fluctuations, the alignment and its gain."""
    from critlab.theory.kernels import critical_scale, depth_scale, fixed_point, susceptibility, xor_task

    inputs, targets = xor_task(12, seed=3)
    prior: list[JSON] = []
    for g in SCALES_OF_G:
        row: JSON = {"g": g, "chi": susceptibility(g, BIAS), "variance": fixed_point(g, BIAS)}
        prior.append({**row, "depth_scale": depth_scale(g, BIAS)})
    rows: list[JSON] = []
    for readout in READOUTS:
        for depth in DEPTHS:
            rows += [_point(scale, inputs, targets, g, depth, readout) for g in SCALES_OF_G]
    sampled = [pair for readout in READOUTS for pair in _sampled(scale, inputs, targets, readout)]
    samples, drawn = [row for row, _ in sampled], [one for _, one in sampled]
    theory = sum(row["trusted"] for row in rows)
    settings = {
        "task": "XOR, seed 3", "P": 12, "N": WIDTH, "L": "2, 4 and 6", "g": "0.5 to 3", "bias": BIAS, "noise": NOISE,
        "seed": "0, of the sampler 0 to 7", "activation": "erf", "mode": "tilted",
        "draws": f"{BATCHES} x {DRAWS[scale]}",
        "convergence": f"{theory} of {len(rows)} theory points converged to 1e-4",
        "sampler": f"hmc, L = 4 only, {settled(drawn)}", "critical g": round(critical_scale(BIAS), 3),
    }  # fmt: skip
    return {"prior": prior, "points": rows, "samples": samples, "settings": [settings]}


def _model(inputs: Tensor, g: float, depth: int, readout: Readout) -> dict[str, Any]:
    """The prior; the readout's scale makes the mean diagonal of C^L at infinite width 1 where it is held."""
    from critlab.theory.kernels import prior_kernels

    model: dict[str, Any] = {"depth": depth, "weight_scale": g, "bias_scale": BIAS}
    if readout == "shared":
        return {**model, "readout_scale": g}
    mean = float(prior_kernels(inputs, **model)[-1].diagonal().mean())
    return {**model, "readout_scale": g * (1 - BIAS) / (mean - BIAS)}


def _point(scale: Scale, inputs: Tensor, targets: Tensor, g: float, depth: int, readout: Readout) -> JSON:
    import torch

    from critlab._core.errors import Diverged
    from critlab.theory.kernels import NotConverged, adapted_kernels, alignment, kernel_fluctuations, prior_kernels

    model, gram = _model(inputs, g, depth, readout), torch.outer(targets, targets)
    wide = alignment(prior_kernels(inputs, **model)[-1], gram)
    spread = kernel_fluctuations(inputs, targets, width=WIDTH, networks=NETWORKS[scale], draws=2000, **model)
    row: JSON = {
        "readout": readout, "depth": depth, "g": g, "readout_scale": model["readout_scale"], "nngp": wide,
        "relative_diagonal": spread.relative_diagonal, "relative_frobenius": spread.relative_frobenius,
        "scaled_variance": spread.scaled_variance,
    }  # fmt: skip
    damping = 0.3 if depth < 6 and scale == "small" else 0.15
    options: dict[str, Any] = {
        "draws": DRAWS[scale], "batches": BATCHES, "tolerance": 1e-4, "widths": WIDTHS[scale], "damping": damping,
    }  # fmt: skip
    try:
        with warnings.catch_warnings():
            # the mark is in the row
            warnings.simplefilter("ignore", NotConverged)
            found = adapted_kernels(inputs, targets, width=WIDTH, noise=NOISE, **model, **options)
    except Diverged:
        return {**row, "map": None, "gain": None, "trusted": False, "change": None, "effective_share": None}
    aligned = alignment(found.kernels[-1], gram)
    share = min(found.effective_draws) / found.draws
    row |= {"map": aligned, "gain": aligned - wide, "trusted": found.trusted}
    return {**row, "change": found.history[-1].change, "effective_share": share}


def _sampled(scale: Scale, inputs: Tensor, targets: Tensor, readout: Readout) -> list[tuple[JSON, KernelSamples]]:
    """The rows of the sampled points, each with its samples."""
    import torch

    from critlab.theory.kernels import NotConverged, alignment, prior_kernels, sample_kernels

    gram, found = torch.outer(targets, targets), []
    for index, g in enumerate(SAMPLED_G[scale]):
        # draws of their own, else all points are off to the same side
        seed = 2 * index + list(READOUTS).index(readout)
        model = _model(inputs, g, SAMPLED_DEPTH, readout)
        wide = alignment(prior_kernels(inputs, **model)[-1], gram)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotConverged)
            drawn = sample_kernels(
                inputs, targets, width=WIDTH, noise=NOISE, samples=SAMPLES[scale], seed=seed, **model
            )
        row: JSON = {
            "readout": readout, "depth": SAMPLED_DEPTH, "g": g, "alignment": drawn.alignment,
            "error": drawn.alignment_error, "gain": drawn.alignment - wide, "trusted": drawn.converged,
            "low": drawn.alignment - wide - 2 * drawn.alignment_error,
            "high": drawn.alignment - wide + 2 * drawn.alignment_error, "rhat": drawn.rhat,
            "effective_samples": drawn.effective_samples, "sampler": settled([drawn]),
        }  # fmt: skip
        found.append((row, drawn))
    return found


def charts(tables: Tables) -> list[Chart]:
    """One chart of the prior alone, and for each kind of readout one of fluctuations, alignment and gain."""
    domain = {"type": "log", "domain": [0.9 * SCALES_OF_G[0], 1.1 * SCALES_OF_G[-1]]}
    x = quantity("g", "weight scale g", scale=domain, axis={"values": [0.5, 0.7, 1, 1.4, 2, 3]})
    edge = at_line("x", x, tables["settings"][0]["critical g"], colour="$deficit")
    prior = [{**row, "reach": _finite(abs(row["depth_scale"]))} for row in tables["prior"]]
    mark = {"type": "line", "point": True, "color": "$clock"}
    curves = [
        panel(title, prior, [edge, {"mark": mark, "encoding": {"x": x, "y": quantity(field, title)}}])
        for field, title in (("chi", "susceptibility chi"), ("reach", "depth scale |1 / ln chi| (layers)"))
    ]
    words = settings_sentence(tables["settings"][0]) + " " + NOTE
    alt = "The numbers follow in a table."
    head = "The edge of chaos of the prior"
    text = "Vertical line: the critical g, at which chi is 1. "
    charts = [chart("kernel_criticality_prior", head, text + words, f"chi and depth scale by g. {alt}", curves, prior)]
    for readout, name in READOUTS.items():
        rows = [row for row in tables["points"] if row["readout"] == readout]
        sampled = [{**row, "what": "sampled"} for row in tables["samples"] if row["readout"] == readout]
        panels = [
            panel("Relative fluctuation of C_aa", rows, [edge, *_by_depth("relative_diagonal", "std / mean", x)]),
            panel("Alignment, theory", rows, [edge, *_by_depth("map", "alignment with the targets", x)]),
            panel(
                "Gain over infinite width",
                rows,
                [edge, *_by_depth("gain", "gain in alignment", x), *_bars(sampled, x)],
            ),
        ]
        more = (
            "Hollow: not converged, not to be trusted. Squares: sampled at L = 4, two standard errors. The line marks "
            f"chi = 1. {largest_gains_sentence(_largest_gains(tables, rows))} "
        )
        key = f"kernel_criticality_{readout}"
        charts.append(chart(key, f"Adaptation by g: {name}", more + words, f"By g and depth. {alt}", panels, rows))
    return charts


def _largest_gains(tables: Tables, rows: Sequence[JSON]) -> list[tuple[int, float, float]]:
    """Each depth with the g, and its chi, at which the converged gain is largest."""
    found = []
    for depth in DEPTHS:
        good = [row for row in rows if row["depth"] == depth and row["trusted"]]
        if good:
            g = max(good, key=lambda row: float(row["gain"]))["g"]
            found.append((depth, g, pick(tables["prior"], g=g)["chi"]))
    return found


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _by_depth(field: str, title: str, x: JSON) -> list[JSON]:
    """Lines by depth through trusted points; the others hollow, without a line."""
    names = list(DEPTHS)
    colour = {
        "field": "depth",
        "type": "nominal",
        "title": "L",
        "scale": {"domain": names, "range": ordered("late", 3)},
    }
    shape = {**colour, "scale": {"domain": names, "range": shapes(3)}}
    where = {"x": x, "y": quantity(field, title, scale={"zero": False}), "color": colour}
    tips = [tip("depth", "L"), tip("g", "g"), tip(field, title)]
    kept, doubtful = {"filter": "datum.trusted"}, {"filter": f"!datum.trusted && isValid(datum.{field})"}
    mark = {"type": "point", "size": 50}
    return [
        {"transform": [kept], "mark": "line", "encoding": where},
        {"transform": [kept], "mark": {**mark, "filled": True}, "encoding": {**where, "shape": shape, "tooltip": tips}},
        {
            "transform": [doubtful],
            "mark": {**mark, "filled": False, "size": 90},
            "encoding": {**where, "tooltip": tips},
        },
    ]


def _bars(rows: list[JSON], x: JSON) -> list[JSON]:
    """Sampled gains with error bars."""
    data, y = {"values": rows}, quantity("gain", "gain in alignment")
    bar = {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}}
    mark = {"type": "point", "shape": "square", "filled": True, "size": 50, "color": "$ink"}
    return [
        {"data": data, "mark": {"type": "rule", "color": "$ink"}, "encoding": bar},
        {"data": data, "mark": mark, "encoding": {"x": x, "y": y, "tooltip": [tip("g", "g"), tip("gain", "sampled")]}},
    ]


def compare(tables: Tables) -> list[Comparison]:
    """The protocol's gains at L = 4 and 6, its sampled alignments, and where the gain peaks."""
    points, samples = tables["points"], tables["samples"]
    known = {
        4: ("0.011", "0.035", "0.046", "0.048", "0.045", "0.040", "0.030", "0.019"),
        6: ("0.005", "0.046", "0.093", "0.095", "0.081", "0.067", "0.044", "0.027"),
    }
    found = []
    for depth, values in known.items():
        for g, value in zip(SCALES_OF_G, values, strict=True):
            ours = number(pick(points, readout="shared", depth=depth, g=g), "gain")
            found.append(Comparison(f"gain in alignment, tilted, L = {depth}, g = {g}", value, PROTOCOL, ours))
    drawn = {("shared", 0.5): "0.0589 ± 0.0007", ("shared", 1.0): "0.1138 ± 0.0008",
             ("shared", 1.4): "0.1181 ± 0.0010", ("held", 0.5): "0.0825 ± 0.0010", ("held", 1.4): "0.1055 ± 0.0007",
             ("held", 3.0): "0.1295 ± 0.0011"}  # fmt: skip
    for (readout, g), value in drawn.items():
        what = f"alignment sampled by HMC, L = 4, g = {g}, {READOUTS[readout]}"  # type: ignore[index]
        found.append(Comparison(what, value, PROTOCOL, number(pick(samples, readout=readout, g=g))))
    for depth in DEPTHS:
        good = [row for row in points if row["depth"] == depth and row["readout"] == "shared" and row["trusted"]]
        best = max(good, key=lambda row: row["gain"], default=None)
        if best:
            chi = pick(tables["prior"], g=best["g"])["chi"]
            what = f"chi at the largest gain, L = {depth}, shared readout"
            found.append(Comparison(what, "0.79 to 0.94, below the edge", PROTOCOL, PeakPlace(chi, best["g"])))
    return found


FIGURE = Figure(
    question="at which distance from the edge of chaos of the prior do kernels adapt most?",
    source=f"ours, after {PAPER}",
    scales=THEORY_SCALES,
    tables=tables,
    charts=charts,
    compare=compare,
    version=3,
)
