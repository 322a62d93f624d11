"""Every measured quantity by epoch: of the whole network for all runs, and layer by layer for three of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from critlab.analysis.tables.results import Results
from critlab.measures import Quantity
from critlab.report.chart import Chart, Panel
from critlab.report.charts.encoding import JSON, PLAIN, ROUNDED, legend, only, quantity, specification, tip
from critlab.report.charts.histograms import histogram_chart, is_histogram
from critlab.report.charts.layers import by_epoch, in_order, point_of, run_title, window_edges
from critlab.report.charts.moments import Moment, Places, compared_runs, left_out, moments
from critlab.report.charts.training import COLUMNS, followed, run_panel
from critlab.report.text.names import run_label, spaced
from critlab.report.text.numbers import significant
from critlab.report.theme import ordered
from critlab.study import Run, Study
from critlab.study.ingredients.measurement import quantities

LOG_RATIO = 20
"""How many times its smallest value the largest must be before a quantity is drawn on a logarithmic scale."""
MOST_LINES = 8
"""How many sources or parts are drawn as lines; more of them become a heat map."""
LEAST_ROWS = 3
"""How many layers become a heat map; fewer are drawn as lines."""
MOST_EPOCHS = 60
"""How many epochs of a run a chart by layer shows, evenly thinned: every layer adds them all to the page."""


def quantity_charts(results: Results) -> Iterator[Chart]:
    """One chart of each measured quantity, and one by layer where layers were measured."""
    declared, measured = quantities(results.study), moments(results)
    for name in [
        *(name for name in declared if name in measured),
        *(name for name in measured if name not in declared),
    ]:
        shown, places = declared.get(name, Quantity.undeclared(name)), measured[name]
        if "" in places and name not in followed(results.metric):
            yield _whole(results.study, shown, places[""])
        by = {place: found for place, found in places.items() if place}
        if by:
            yield from _by_place(results.study, shown, by)


def _whole(study: Study, shown: Quantity, found: list[Moment]) -> Chart:
    y = quantity("mean", shown.axis, axis={"labelExpr": PLAIN, "tickCount": 5})
    drawn = found
    if shown.log and _spans_decades(found):
        y |= {"scale": {"type": "log"}, "title": f"{shown.axis}, log scale"}
        # a band that reaches below zero has no place on this axis: it is drawn down to the smallest number that has
        floor = min(value for m in found for value in (m.mean, m.low) if value is not None and value > 0)
        drawn = [replace(m, low=max(m.low, floor)) if m.low is not None else m for m in found if m.mean > 0]
    better = f" {shown.better.capitalize()} is better." if shown.better else ""
    return Chart(
        key=_key(shown.name),
        title=shown.label,
        caption="Means over seeds with 95 % bands, for the clean run and the runs of the sweep. Shaded: epochs under "
        f"the deficit. Click a name below to see one run with its window.{better}{left_out(study)}",
        alt=f"Chart of {shown.label} by epoch for every run. The numbers follow in a table.",
        panels=(run_panel(study, drawn, "", y, False),),
        columns=COLUMNS,
        rows=tuple(moment.cells() for moment in found),
        interval="95 % t",
        seeds=tuple(moment.seeds for moment in found),
    )


def _spans_decades(found: Sequence[Moment]) -> bool:
    # an untrained network has next to no information: its point alone is no reason for a logarithmic scale
    means = [moment.mean for moment in found if moment.epoch > 0] or [moment.mean for moment in found]
    least = min([*means, *(m.low for m in found if m.low is not None and m.epoch > 0)])
    return least > 0 and max(means) / least > LOG_RATIO


def _by_place(study: Study, shown: Quantity, places: Places) -> Iterator[Chart]:
    runs = [run for run in compared_runs(study) if any(m.run == run for found in places.values() for m in found)]
    if not runs:
        return
    if is_histogram(shown, places):
        yield histogram_chart(study, shown, places, runs)
        return
    names, by = _sorted(list(places)), shown.by or "layer"
    kept = {run.name: _thinned([m for name in names for m in places[name] if m.run == run]) for run in runs}
    means = [m.mean for found in kept.values() for m in found]
    lines = len(names) <= MOST_LINES and (by != "layer" or len(names) < LEAST_ROWS)
    log = shown.log and min(means) > 0 and max(means) / min(means) > LOG_RATIO
    until = max(m.epoch for found in kept.values() for m in found)
    drawn = (_lines if lines else _cells)(shown, by, names, means, log, until)
    thinned = sum(map(len, kept.values())) < sum(m.run in runs for found in places.values() for m in found)
    yield Chart(
        key=f"{_key(shown.name)}_by_{_key(by)}",
        title=shown.label if shown.label.endswith(f"by {by}") else f"{shown.label}, by {by}",
        caption=f"One panel for each of these runs: clean, first and last of the sweep. Means over seeds; "
        f"{'one line' if lines else 'one row'} for each {by}. Dashed lines: where the deficit begins and ends."
        + (f" Chart and table show about {MOST_EPOCHS} of the epochs; critlab export gives all." if thinned else ""),
        alt=f"Charts of {shown.label} by epoch and {by} for the clean run and the ends of the sweep. "
        "The numbers follow in a table.",
        panels=tuple(
            _panel(study, run, kept[run.name], names, [*drawn, *([] if run.clean else window_edges(until))])
            for run in runs
        ),
        columns=("run", "quantity", by, "epoch", "n", "mean", "low", "high"),
        rows=tuple(
            (run_label(m.run), spaced(m.quantity), m.layer, m.epoch, m.n, m.mean, m.low, m.high)
            for run in runs
            for m in kept[run.name]
        ),
        interval="95 % t",
        seeds=tuple(m.seeds for run in runs for m in kept[run.name]),
    )


def _sorted(names: list[str]) -> list[str]:
    """Numbers by their values, other names as layers."""
    try:
        return sorted(names, key=float)
    except ValueError:
        return in_order(names)


def _thinned(found: list[Moment]) -> list[Moment]:
    epochs = sorted({moment.epoch for moment in found})
    if len(epochs) <= MOST_EPOCHS:
        return found
    last = len(epochs) - 1
    kept = {epochs[round(place * last / (MOST_EPOCHS - 1))] for place in range(MOST_EPOCHS)}
    return [moment for moment in found if moment.epoch in kept]


def _panel(study: Study, run: Run, found: Sequence[Moment], names: Sequence[str], layers: Sequence[JSON]) -> Panel:
    epochs = sorted({moment.epoch for moment in found})
    edges = _edges(epochs)
    rows: list[JSON] = [
        {
            "part": "mean",
            "place": m.layer,
            "epoch": m.epoch,
            "start": edges[m.epoch][0],
            "until": edges[m.epoch][1],
            "mean": m.mean,
            "n": m.n,
            "value": significant(m.mean),
        }
        for m in found
    ]
    if not run.clean:
        rows += [{"part": "edge", "epoch": edge} for edge in (run.window.start, run.window.stop)]
    return Panel(run_title(study, run), specification(rows, layers), max(map(len, names)), 280, at=point_of(run))


def _edges(epochs: Sequence[int]) -> dict[int, tuple[float, float]]:
    """Where the cell of each epoch begins and ends: half-way to its neighbours."""
    middles = [(a + b) / 2 for a, b in pairwise(epochs)]
    if not middles:
        return {epochs[0]: (epochs[0] - 0.5, epochs[0] + 0.5)}
    return dict(zip(epochs, pairwise([float(epochs[0]), *middles, float(epochs[-1])]), strict=True))


def _tips(by: str) -> list[JSON]:
    return [tip("place", by.capitalize()), tip("epoch", "Epoch"), tip("value", "Mean"), tip("n", "n")]


def _lines(shown: Quantity, by: str, names: Sequence[str], means: Sequence[float], log: bool, until: int) -> list[JSON]:
    scale = {"type": "log"} if log else {"zero": False}
    y = quantity("mean", shown.axis + (", log scale" if log else ""), scale={**scale, "domain": _domain(means)})
    y["axis"] = {"labelExpr": PLAIN, "tickCount": 5}
    looks = legend("place", by.capitalize(), names, ordered("late", len(names)))
    where = {"x": by_epoch(until), "y": y, "color": looks["color"]}
    point = {"type": "point", "filled": True, "size": 30}
    return [
        {"transform": only("mean"), "mark": {"type": "line", "strokeWidth": 1.75}, "encoding": where},
        {"transform": only("mean"), "mark": point, "encoding": {**where, **looks, "tooltip": _tips(by)}},
    ]


def _cells(shown: Quantity, by: str, names: Sequence[str], means: Sequence[float], log: bool, until: int) -> list[JSON]:
    scale = {"type": "log" if log else "linear", "domain": _domain(means), "range": ordered("deep", 5)}
    # the chart's title names the quantity
    unit = ", ".join(part for part in (shown.unit, "log scale" if log else "") if part)
    colour = quantity("mean", unit or None, scale=scale, legend={"labelExpr": ROUNDED})
    rows = {"field": "place", "type": "nominal", "title": by.capitalize(), "sort": list(names)}
    where = {"x": {**by_epoch(until), "field": "start"}, "x2": {"field": "until"}, "y": rows, "color": colour}
    return [{"transform": only("mean"), "mark": {"type": "rect"}, "encoding": {**where, "tooltip": _tips(by)}}]


def _domain(means: Sequence[float]) -> list[float]:
    """The range of all panels, so that they can be compared; where nothing differs it has a width all the same."""
    least, most = min(means), max(means)
    return [least, most] if least < most else [least - (abs(least) or 1) / 2, most + (abs(most) or 1) / 2]


def _key(name: str) -> str:
    """The name in letters, digits and underscores, fit for a file's name."""
    return re.sub(r"\W+", "_", name)
