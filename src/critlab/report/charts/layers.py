"""Where in the network the Fisher information lies: each layer's share, for the clean run and the sweep's ends."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from critlab.analysis.information.plasticity import layer_shares
from critlab.analysis.statistics import summarise
from critlab.analysis.tables.results import Results
from critlab.report.chart import Chart, Panel
from critlab.report.charts.encoding import HUNDREDTHS, JSON, only, quantity, specification, tip
from critlab.report.charts.moments import compared_runs
from critlab.report.text.names import run_label
from critlab.report.text.numbers import percent
from critlab.report.theme import ordered
from critlab.study import Run, Study

COLUMNS = ("run", "epoch", "layer", "n", "share")
LABELLED = 0.075
"""The smallest share that is named at the edge of a plot; thinner ones are named by the tooltip and the table."""

Shares = dict[tuple[int, str], tuple[int, float]]
"""Seeds and mean share by epoch and layer."""


def layer_charts(results: Results) -> Iterator[Chart]:
    """Each layer's share of the trace by epoch, where layers were measured."""
    by_run = _shares(results)
    runs = [run for run in compared_runs(results.study) if by_run.get(run.name)]
    if not runs:
        return
    layers = _ordered_layers(results)
    until = max(epoch for run in runs for epoch, _ in by_run[run.name])
    yield Chart(
        key="layer_shares",
        title="Where the information lies",
        caption="Each layer's share of the trace of the Fisher information by epoch, first layer at the bottom, "
        "means over seeds. Dashed lines: where the deficit begins and ends. A network that reorganises after "
        "removal moves its shares.",
        alt="Charts of each layer's share of the Fisher information by epoch. The numbers follow in a table.",
        panels=tuple(_panel(results.study, run, by_run[run.name], layers, until) for run in runs),
        columns=COLUMNS,
        rows=tuple(
            (run_label(run), epoch, layer, n, share)
            for run in runs
            for (epoch, layer), (n, share) in by_run[run.name].items()
        ),
    )


def _shares(results: Results) -> dict[str, Shares]:
    """Mean shares of every run, by its name."""
    names = {outcome.name: outcome.run.name for outcome in results.outcomes}
    values: dict[str, dict[tuple[int, str], list[float]]] = {}
    for one in layer_shares(results):
        values.setdefault(names[one.run], {}).setdefault((one.epoch, one.layer), []).append(one.share)
    return {
        run: {place: (len(seeds), summarise(seeds).mean) for place, seeds in sorted(places.items())}
        for run, places in values.items()
    }


def _ordered_layers(results: Results) -> list[str]:
    """The layers in the order of the table; where that is the alphabet's, numbers in them count as numbers."""
    return in_order(
        list(dict.fromkeys(row.layer for row in results.rows if row.quantity == "fisher_trace" and row.layer))
    )


def in_order(names: Sequence[str]) -> list[str]:
    """Names of layers, in their own order; where that is the alphabet's, numbers in them count as numbers."""
    return sorted(names, key=natural) if list(names) == sorted(names) else list(names)


def natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts names with numbers in them as a person would."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name) if part]


def _panel(study: Study, run: Run, shares: Shares, layers: Sequence[str], until: int) -> Panel:
    rows: list[JSON] = []
    last = max(epoch for epoch, _ in shares)
    below = 0.0
    for (epoch, layer), (n, share) in shares.items():
        plain = {"epoch": epoch, "layer": layer, "depth": layers.index(layer), "share": share, "n": n}
        rows.append({"part": "share", **plain, "value": percent(share)})
    for layer in layers:
        share = shares.get((last, layer), (0, 0.0))[1]
        if share >= LABELLED:
            rows.append({"part": "label", "epoch": last, "layer": layer, "middle": below + share / 2})
        below += share
    if not run.clean:
        rows += [{"part": "edge", "epoch": edge} for edge in (run.window.start, run.window.stop)]
    layers_drawn = [*_areas(layers, until), *(window_edges(until) if not run.clean else [])]
    return Panel(run_title(study, run), specification(rows, layers_drawn), 12, 280, at=point_of(run))


def run_title(study: Study, run: Run) -> str:
    """A panel's title: which run it shows."""
    if run.clean:
        return run_label(run).capitalize()
    return study.sweep.panel_title(run.at)


def point_of(run: Run) -> str:
    """The point of the sweep that a panel of ``run`` alone shows; empty for a clean run."""
    return "" if run.clean else str(run.at)


def by_epoch(until: int) -> JSON:
    """The horizontal channel of a panel of one run: that of the longest run shown, so that panels can be compared."""
    scale = {"nice": False, "domain": [0, until]}
    return quantity("epoch", "Epoch", scale=scale, axis={"tickMinStep": 1, "tickCount": 5})


def window_edges(until: int) -> list[JSON]:
    """Where the deficit begins and ends: a dark line on a light one, to be seen on every layer."""
    marks: list[JSON] = [
        {"type": "rule", "color": "$paper", "strokeWidth": 3.5, "opacity": 0.8, "clip": True},
        {"type": "rule", "color": "$ink", "strokeDash": [4, 2], "strokeWidth": 1.25, "clip": True},
    ]
    return [{"transform": only("edge"), "mark": mark, "encoding": {"x": by_epoch(until)}} for mark in marks]


def _areas(layers: Sequence[str], until: int) -> list[JSON]:
    x = by_epoch(until)
    y = quantity("share", "Share of the trace (%)", stack="zero", scale={"domain": [0, 1]})
    y["axis"] = {"labelExpr": HUNDREDTHS, "values": [0, 0.25, 0.5, 0.75, 1], "grid": False}
    colour = {"scale": {"domain": list(layers), "range": ordered("deep", len(layers))}, "legend": None}
    shown = [tip("layer", "Layer"), tip("epoch", "Epoch"), tip("value", "Share")]
    area = {
        "x": x,
        "y": y,
        "color": {"field": "layer", "type": "nominal", **colour},
        "order": {"field": "depth", "type": "quantitative"},
    }
    middle = {"field": "middle", "type": "quantitative", "title": y["title"], "scale": y["scale"]}
    return [
        {
            "transform": only("share"),
            "mark": {"type": "area", "stroke": "$paper", "strokeWidth": 0.8},
            "encoding": area,
        },
        {
            "transform": only("share"),
            "mark": {"type": "bar", "opacity": 0, "width": {"band": 1}},
            "encoding": {**area, "tooltip": shown},
        },
        {
            "transform": only("label"),
            "mark": {"type": "text", "align": "left", "dx": 5, "fontSize": 10, "clip": False},
            "encoding": {"x": x, "y": middle, "text": {"field": "layer"}},
        },
    ]
