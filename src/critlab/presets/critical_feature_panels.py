"""What the figures of paper 4 share: settings as a table and in words, panels, and looks of theory and sampling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from critlab.report.chart import Chart, Panel
from critlab.report.charts.encoding import JSON, SHAPES, legend, tip

Scale = Literal["small", "paper"]
Tables = dict[str, list[JSON]]

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


def said(settings: Mapping[str, Any]) -> str:
    """The settings in words: N, P, L, g, bias, noise, seed, mode, convergence, sampler and its error."""
    return "; ".join(f"{name} {value}" for name, value in settings.items()) + "."


def trust(adaptations: Sequence[Any]) -> str:
    """How many of the theory's solutions converged with enough effective draws."""
    good = sum(one.trusted for one in adaptations)
    return "all theory points converged" if good == len(adaptations) else f"{good} of {len(adaptations)} converged"


def settled(samples: Sequence[Any]) -> str:
    """The sampler with the worst R-hat and fewest effective samples of its runs."""
    worst, least = max(one.rhat for one in samples), min(one.effective_samples for one in samples)
    error = max(one.alignment_error for one in samples)
    first = samples[0]
    size = f"{first.chains} chains x {first.samples}"
    return (
        f"{first.method}, {size}, R-hat at most {worst:.3f}, ESS at least {least:.0f}, standard error up to {error:.4f}"
    )


DOUBTFUL = {"filter": "!datum.trusted"}
WITH_ERROR = {"filter": "isValid(datum.low)"}


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


def at_line(axis: Literal["x", "y"], channel: JSON, value: float, colour: str = "$soft") -> JSON:
    """A dashed line at ``value`` of ``channel``, with its title: else Vega takes the axis' title away."""
    mark = {"type": "rule", "strokeDash": [4, 3], "color": colour}
    return {"data": {"values": [{channel["field"]: value}]}, "mark": mark, "encoding": {axis: channel}}


def panel(title: str, rows: Sequence[JSON], layers: Sequence[JSON], height: int = 300, letters: int = 14) -> Panel:
    """A panel of ``layers`` over ``rows``, without layers that would have no point."""
    drawn = [layer for layer in layers if not _is_empty(layer, rows)]
    return Panel(title, {"data": {"values": list(rows)}, "layer": drawn}, letters, height)


def _is_empty(layer: JSON, rows: Sequence[JSON]) -> bool:
    """Whether a layer of doubtful points or of error bars has none; Vega warns of the scale of nothing."""
    transform = layer.get("transform", ())
    if DOUBTFUL in transform:
        return all(row.get("trusted", True) for row in rows)
    return WITH_ERROR in transform and all(row.get("low") is None for row in rows)


def chart(
    key: str, title: str, caption: str, alt: str, panels: Sequence[Panel], rows: Sequence[Mapping[str, Any]]
) -> Chart:
    """A chart with ``rows`` as its table, columns in order of first appearance."""
    columns = tuple(dict.fromkeys(column for row in rows for column in row))
    cells = tuple(tuple(row.get(column) for column in columns) for row in rows)
    return Chart(key=key, title=title, caption=caption, alt=alt, panels=tuple(panels), columns=columns, rows=cells)


def shapes(count: int) -> list[str]:
    """The first ``count`` marker shapes."""
    return list(SHAPES[:count])


def pick(rows: Sequence[JSON], **where: Any) -> JSON:
    """The first row in which every column of ``where`` has its value; empty where there is none."""
    return next((row for row in rows if all(row.get(k) == v for k, v in where.items())), {})


def number(row: Mapping[str, Any], column: str = "alignment", error: str = "error") -> str:
    """A row's number with its standard error where it has one, in words."""
    if not row or row.get(column) is None:
        return "not computed at this scale"
    text = f"{row[column]:.4f}"
    text += f" +- {row[error]:.4f}" if row.get(error) else ""
    return text if row.get("trusted", True) else f"{text} (not converged)"
