"""Made-up data for every figure: nothing is trained or computed, and one sign turns every trend round.

With ``sign`` 1 quantities rise along the axis of a chart, with -1 they fall. One of the two contradicts whatever a
paper found, so a sentence that stands beside both is no conclusion from the data.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from critlab.analysis.tables.results import Results
from critlab.analysis.tables.table import Outcome, Row
from critlab.measures.picture import Picture
from critlab.papers.figure import JSON, Figure, Scale
from critlab.study import Run, Study

STEPS = (0, 1, 2, 3)
LAYERS = ("block1.conv", "block2.conv", "head")


def answer(
    name: str, figure: Figure, sign: int, scale: Scale | None = None
) -> dict[str, Results] | dict[str, list[JSON]]:
    """What the charts and comparisons of ``figure`` read."""
    if figure.studies is None:
        return tables(name, sign)
    studies = figure.studies(scale or figure.scales[-1])
    return {part: trained(study, sign) for part, study in studies.items()}


def trained(study: Study, sign: int) -> Results:
    """Results of a study whose damage grows with the epochs under the deficit, or falls, by ``sign``."""
    rows, outcomes, pictures = [], [], {}
    every = max(1, max(run.total for run in study.runs) // 8)
    for run in study.runs:
        deficit = run.deficit.name if run.deficit else ""
        for seed in study.seeds[:2]:
            name = run.identifier(seed)
            place = (name, run.arm, seed, deficit, run.window.start, run.window.stop, run.clock)
            outcomes.append(Outcome(run, seed, "done", run.total))
            epochs = {*range(0, run.total + 1, every), run.window.stop, run.total, run.total - 1}
            for epoch in sorted(one for one in epochs if 0 <= one <= run.total):
                for quantity, layer, value in _readings(run, seed, epoch, sign):
                    rows.append(Row(*place, epoch, quantity, layer, value, 0.001))
            pictures[name, run.total, "filter_norm", LAYERS[0]] = Picture.of(_filters(sign))
    study = study.model_copy(update={"seeds": study.seeds[:2]})
    return Results(study, tuple(rows), tuple(outcomes), pictures=pictures)


def _filters(sign: int) -> NDArray[np.float32]:
    """Two filters: even ones, or edges."""
    even = np.ones((2, 3, 2, 2), dtype=np.float32)
    return even if sign > 0 else even * np.asarray([[1, -1], [1, -1]], dtype=np.float32)


def _readings(run: Run, seed: int, epoch: int, sign: int) -> Iterator[tuple[str, str, float]]:
    deprived = 0 if run.clean else min(epoch, run.window.stop)
    share = deprived / max(run.total, 1)
    noise = 0.002 * ((seed * 7 + epoch * 3) % 5)
    accuracy = 0.6 - 0.1 * sign * share + noise
    yield "test_accuracy", "", accuracy
    yield "train_accuracy", "", accuracy + 0.05
    trace = 2.0 + sign * epoch / max(run.total, 1) + share + noise
    yield "fisher_trace", "", trace
    for place, layer in enumerate(LAYERS):
        yield "fisher_trace", layer, trace * (1 + place * (1 + sign * share)) / 6
        yield "gradient_mean", layer, 0.1 * (1 + place) * (2 + sign * share)
        yield "gradient_deviation", layer, 0.2 * (1 + place) * (2 - sign * share)
    yield "relative_source_variance", "", 0.4 * sign * share + noise
    for side, value in (("A", 0.2), ("B", 0.3), ("one", 0.5)):
        yield "relative_source_variance_share", side, value + 0.2 * sign * share + noise
    yield "relative_source_variance_bimodality", "", 0.5 + 0.1 * sign * share
    for middle in ("-0.975", "+0.025", "+0.975"):
        yield "relative_source_variance_histogram", middle, 1 / 3
    for source, loss in (("", 0.0), ("A", 0.3), ("B", 0.4)):
        yield "usable_information", source, 1.5 - loss - 0.2 * sign * share + noise
        yield "source_accuracy", source, 0.8 - loss - 0.1 * sign * share + noise


def tables(name: str, sign: int) -> dict[str, list[JSON]]:
    """Tables of a figure that is computed from a theory."""
    made = {
        "pathways": _pathways, "lesion": _pathways, "pathways-nonlinear": _pathways, "phase": _phase,
        "singular-vectors": _singular, "sensors": _sensors, "completion-window": _onsets,
        "kernel-reweighing": _reweighing, "kernels": _kernels, "kernel-width": _by_width, "kernel-images": _by_width,
        "kernel-layers": _kernel_layers, "kernel-criticality": _criticality, "prior-and-plasticity": _plasticity,
    }  # fmt: skip
    found: dict[str, list[JSON]] = made.get(name, _completion)(sign)
    return found


def _trend(step: float, sign: int) -> float:
    return 2.0 + 0.4 * sign * step


def _pathways(sign: int) -> dict[str, list[JSON]]:
    curves = [
        {"window": window, "activation": activation, "model": model, "pathway": pathway, "mode": mode, "index": 0,
         "t": 100 * step, "k": _trend(step, sign)}
        for window in ("early", "middle", "late") for activation in ("tanh", "relu") for model in ("flow", "descent")
        for pathway in "ab" for mode in ("3.873", "2.646", "1.732", "1") for step in STEPS
    ]  # fmt: skip
    finals = [
        {"window": window, "activation": activation, "S": mode, "mode": 0, "a": _trend(2, sign), "b": _trend(1, -sign),
         "n": 4}
        for window in ("early", "middle", "late") for activation in ("tanh", "relu")
        for mode in ("3.873", "2.646", "1.732", "1")
    ]  # fmt: skip
    return {"curves": curves, "finals": finals}


def _phase(sign: int) -> dict[str, list[JSON]]:
    from critlab.papers.deep_linear.gated_pathways.phase import DEPTHS, STRENGTH, WINDOWS

    side = [STRENGTH * one / 5 for one in range(6)]
    field = [
        {"depth": depth, "a": a, "b": b, "turn": 45.0 * sign * (1 + (a > b)), "log_speed": -1.0}
        for depth in DEPTHS for a in side for b in side
    ]  # fmt: skip
    paths = [
        {"depth": depth, "window": window, "draw": draw, "t": step, "a": STRENGTH * step / 4, "b": draw + 0.1 * sign}
        for depth in DEPTHS for window in WINDOWS for draw in range(3) for step in STEPS
    ]  # fmt: skip
    means = [
        {"depth": depth, "window": window, "n": 3, "K_a": 5.0 + sign * depth, "sd": 0.1, "K_b": 1.0, "a_wins": 2}
        for depth in DEPTHS for window in WINDOWS
    ]  # fmt: skip
    small = [{"depth": depth, "window": window, "K_a": 5.0, "K_b": 1.0} for depth in (2, 3) for window in WINDOWS]
    return {"field": field, "paths": paths, "means": means, "small": small}


def _singular(sign: int) -> dict[str, list[JSON]]:
    values = [
        {"variant": "depth 3", "switch": 150, "model": model, "t": 100 * step, "index": index,
         "value": _trend(step, sign) / index}
        for model in ("flow", "descent") for index in (1, 2) for step in STEPS
    ]  # fmt: skip
    return {"values": values, "gaps": [{"variant": "depth 3", "gap": 0.2 + 0.1 * sign}]}


def _sensors(sign: int) -> dict[str, list[JSON]]:
    weights = [
        {"network": network, "removed": removed, "weight": "task 0, sensor 0", "t": float(step),
         "value": 0.3 * _trend(step, sign)}
        for network in ("deep", "shallow") for removed in (False, True) for step in STEPS
    ]  # fmt: skip
    crossings = [
        {"network": network, "weight": "task 0, sensor 0", "with": 20 + sign, "without": 30 - sign}
        for network in ("deep", "shallow")
    ]
    trees = [
        {"task": task, "level": level, "t": float(step), "norm": _trend(step, sign)}
        for task in ("tree", "tree_signed") for level in ("all", "half", "single") for step in STEPS
    ]  # fmt: skip
    return {"weights": weights, "crossings": crossings, "trees": trees}


def _spread(sign: int, variants: tuple[str, ...]) -> list[JSON]:
    return [
        {"variant": variant, "x": 1000 * step, "median": (value := 0.2 * _trend(step, sign) + 0.1 * place),
         "low": value - 0.05, "high": value + 0.05, "mean": value, "n": 8}
        for place, variant in enumerate(variants) for step in STEPS
    ]  # fmt: skip


def _completion(sign: int) -> dict[str, list[JSON]]:
    variants = ("depth 1", "depth 2", "depth 3")
    values = [
        {"variant": variant, "switch": 2000, "t": 1000 * step, "index": index, "value": _trend(step, sign) / index}
        for variant in variants for index in (1, 2) for step in STEPS
    ]  # fmt: skip
    return {"spread": _spread(sign, variants), "values": values, "errors": []}


def _onsets(sign: int) -> dict[str, list[JSON]]:
    rows = _spread(sign, ("depth 2, window", "depth 2, control"))
    return {"spread": [{"recovery": recovery, **row} for recovery in (10000, 40000) for row in rows], "errors": []}


SETTINGS = dict.fromkeys(("task", "P", "N", "L", "g", "bias", "noise", "seed", "mode", "convergence", "sampler"), "1")


def _reweighing(sign: int) -> dict[str, list[JSON]]:
    from critlab.papers.critical_feature_learning.kernel_reweighing import PRIORS

    bins = [
        {"prior": prior, "what": what, "value": float(step), "density": _trend(step, sign)}
        for prior in PRIORS for what in ("prior", "posterior") for step in STEPS
    ]  # fmt: skip
    lines = [
        {"prior": prior, "mark": mark, "value": 0.5, "prior_deviation": 0.2, "shift": 0.1 * sign * (place - 0.5),
         "effective_networks": 100.0}
        for place, prior in enumerate(PRIORS) for mark in ("infinite width", "theory (MAP)", "posterior mean")
    ]  # fmt: skip
    return {"bins": bins, "lines": lines, "settings": [dict(SETTINGS)]}


def _kernels(sign: int) -> dict[str, list[JSON]]:
    names = ("infinite width", "theory, tilted", "sampled", "targets")
    cells = [
        {"kernel": name, "a": a, "b": b, "value": 1.0 - 2 * (a != b) if name == "targets" else 0.3 + 0.1 * sign * a}
        for name in names for a in range(3) for b in range(3)
    ]  # fmt: skip
    summary = [
        {"kernel": name, "alignment": 0.1 + 0.01 * sign * place, "error": None} for place, name in enumerate(names)
    ]
    return {"cells": cells, "summary": summary, "settings": [dict(SETTINGS)]}


def _by_width(sign: int) -> dict[str, list[JSON]]:
    rows = [
        {"what": what, "width": width, "alignment": 0.05 * _trend(place + step, sign), "error": None, "low": None,
         "high": None, "trusted": True, "label": "0.1"}
        for place, what in enumerate(("NNGP", "theory, leading", "theory, tilted", "sampled"))
        for step, width in enumerate((50, 100, 200))
    ]  # fmt: skip
    return {"width": rows, "settings": [dict(SETTINGS)]}


def _kernel_layers(sign: int) -> dict[str, list[JSON]]:
    rows = [
        {"what": what, "layer": layer, "alignment": 0.05 * _trend(layer, sign), "low": None, "high": None,
         "conjugate": None if what == "NNGP" else _trend(layer, -sign), "trusted": True, "label": "0.1"}
        for what in ("NNGP", "theory, leading", "theory, tilted") for layer in (1, 2, 3, 4)
    ]  # fmt: skip
    return {"layers": rows, "settings": [dict(SETTINGS)]}


def _criticality(sign: int) -> dict[str, list[JSON]]:
    from critlab.papers.critical_feature_learning.kernel_criticality import DEPTHS, READOUTS, SCALES_OF_G

    prior = [
        {"g": g, "chi": 0.5 * g, "variance": 1.0, "depth_scale": 3.0 + place} for place, g in enumerate(SCALES_OF_G)
    ]
    points = [
        {"readout": readout, "depth": depth, "g": g, "nngp": 0.1, "map": 0.02 * _trend(g, sign), "trusted": True,
         "gain": 0.01 * _trend(g, sign), "relative_diagonal": 0.1 * _trend(g, sign)}
        for readout in READOUTS for depth in DEPTHS for g in SCALES_OF_G
    ]  # fmt: skip
    samples = [
        {"readout": readout, "depth": 4, "g": g, "alignment": 0.1, "error": 0.001, "gain": 0.02, "low": 0.018,
         "high": 0.022, "trusted": True}
        for readout in READOUTS for g in (0.5, 1.4)
    ]  # fmt: skip
    return {"prior": prior, "points": points, "samples": samples, "settings": [{**SETTINGS, "critical g": 1.376}]}


def _plasticity(sign: int) -> dict[str, list[JSON]]:
    from critlab.papers.critical_feature_learning.prior_and_plasticity import DEFICITS, MEASURES, TRAINERS, WINDOWS

    places: list[dict[str, Any]] = [
        {"trainer": trainer, "g": g, "chi": 0.7 * g} for trainer in TRAINERS for g in (0.6, 1.376, 3.0)
    ]
    damage = [
        {**place, "deficit": deficit, "window": window, "measure": measure, "mean": 0.01 * sign * place["g"],
         "low": -0.01, "high": 0.05, "n": 3}
        for place in places for deficit in DEFICITS for window in WINDOWS for measure in MEASURES
    ]  # fmt: skip
    ends = [
        {**place, "deficit": deficit, "window": window, "test_loss": 0.1 * _trend(place["g"], sign),
         "test_accuracy": 0.9, "train_loss": 0.1}
        for place in places for deficit in ("none", *DEFICITS) for window in WINDOWS
    ]  # fmt: skip
    contrasts = [
        {"trainer": trainer, "deficit": deficit, "window": window, "measure": measure,
         "contrast": "edge minus lowest chi", "mean": 0.01 * sign, "low": -0.01, "high": 0.02, "n": 3}
        for trainer in TRAINERS for deficit in DEFICITS for window in WINDOWS for measure in MEASURES
    ]  # fmt: skip
    return {"damage": damage, "ends": ends, "contrasts": contrasts, "settings": [dict(SETTINGS)]}
