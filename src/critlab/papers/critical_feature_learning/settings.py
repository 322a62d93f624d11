"""What the figures of paper 4 share: settings, looks of theory and sampling, numbers with errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from critlab.papers.figure import JSON
from critlab.report.charts.encoding import legend, tip
from critlab.report.charts.kit import DOUBTFUL, WITH_ERROR
from critlab.report.findings import Computed
from critlab.report.text.figures.theories import convergence_text, sampler_text

PAPER = "Fischer et al. 2024, arXiv 2405.10761"
PROTOCOL = "our own derivation and check; the paper's numbers are not known to us"
NOTE = '"Critical" means the edge of chaos of the prior (chi = 1), not a critical period in training.'
LOOKS = {
    "NNGP": "$control",
    "theory, leading": "$negative",
    "theory, tilted": "$deficit",
    "sampled": "$clock",
}
"""Colours: infinite width, the two modes of the theory, and the posterior by sampling."""


def trust(adaptations: Sequence[Any]) -> str:
    """How many of the theory's solutions converged with enough effective draws."""
    return convergence_text(sum(one.trusted for one in adaptations), len(adaptations))


def settled(samples: Sequence[Any]) -> str:
    """The sampler with the worst R-hat and fewest effective samples of its runs."""
    worst, least = max(one.rhat for one in samples), min(one.effective_samples for one in samples)
    error = max(one.alignment_error for one in samples)
    first = samples[0]
    return sampler_text(first.method, first.chains, first.samples, worst, least, error)


def line(what: str, names: Sequence[str], x: JSON, y: JSON) -> list[JSON]:
    """Lines with markers by the field ``what``; points of theory that did not converge are drawn hollow.

    The rows need ``trusted``, true or false, and ``low`` and ``high`` (null where there is no error).
    """
    looks = legend(what, None, names, [LOOKS.get(name, f"$late{i * 6}") for i, name in enumerate(names)])
    known = {what: names}
    keep = {"filter": {"field": what, "oneOf": known[what]}}
    fine = {"filter": "datum.trusted"}
    where = {"x": x, "y": y}
    bars = {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": looks["color"]}
    point = {"type": "point", "size": 60}
    tips = [tip(what, "what"), tip(x["field"], str(x["title"])), tip("label", "value")]
    found: list[JSON] = [
        {
            "transform": [keep, fine],
            "mark": {"type": "line", "strokeWidth": 2},
            "encoding": {**where, "color": looks["color"]},
        },
        {"transform": [keep, WITH_ERROR], "mark": {"type": "rule"}, "encoding": bars},
        {
            "transform": [keep, fine],
            "mark": {**point, "filled": True},
            "encoding": {**where, **looks, "tooltip": tips},
        },
        {
            "transform": [keep, DOUBTFUL],
            "mark": {**point, "filled": False, "size": 90},
            "encoding": {**where, "color": looks["color"], "tooltip": tips},
        },
    ]
    return found


def number(row: Mapping[str, Any], column: str = "alignment") -> Computed | None:
    """A row's number with its standard error where it has one; None where the scale does not compute it."""
    if row.get(column) is None:
        return None
    return Computed(row[column], row.get("error"), row.get("trusted", True))


MODEL: dict[str, Any] = {"weight_scale": 1.0, "bias_scale": 0.5, "noise": 0.1, "activation": "erf"}
PRIOR = {name: value for name, value in MODEL.items() if name != "noise"}


def settings(width: str, depth: int, points: int, **more: Any) -> JSON:
    """The settings of a figure on XOR as one row: model, width, depth, number of points, and ``more``."""
    return {
        "task": "XOR, seed 3", "P": points, "N": width, "L": depth, "g": MODEL["weight_scale"],
        "bias": MODEL["bias_scale"], "noise": MODEL["noise"], "seed": 0, "activation": "erf", **more,
    }  # fmt: skip
