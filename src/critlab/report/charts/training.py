"""Learning curves, and the plot of a quantity by epoch that other charts of training share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from critlab.analysis.tables.results import Results
from critlab.learning_tasks.metric import Metric
from critlab.report.chart import Chart, Panel
from critlab.report.charts.encoding import (
    JSON,
    ZOOM,
    dimmed,
    legend,
    only,
    pick,
    quantity,
    specification,
    tip,
)
from critlab.report.charts.moments import Moment, drawn_runs, left_out, moments
from critlab.report.charts.shared.filters import FEW_SEEDS
from critlab.report.charts.shared.metric_axis import score_axis
from critlab.report.text.names import UNSWEPT, capital, place_title, run_label, tested_words
from critlab.report.text.numbers import interval, percent, significant, significant_limits
from critlab.report.theme import ordered
from critlab.study import Run, Study

COLUMNS = ("run", "quantity", "epoch", "n", "mean", "low", "high")
MOST_SEED_ROWS = 5000
"""How many values of single seeds a panel holds."""


def followed(metric: Metric) -> dict[str, str]:
    """The quantities of the learning curves with their titles: the judged metric on test and training data."""
    return {metric.test: f"Test {metric.title}", metric.train: f"Training {metric.title}"}


def learning_charts(results: Results) -> Iterator[Chart]:
    """The judged metric on test and training data by epoch, side by side."""
    measured, metric = moments(results), results.metric
    titles = followed(metric)
    drawn = {name: measured[name][""] for name in titles if "" in measured.get(name, {})}
    if not drawn:
        return
    values = [
        value for found in drawn.values() for m in found for value in (m.mean, m.low, m.high) if value is not None
    ]
    margin = 0.04 * (max(values) - min(values))
    domain = [min(values) - margin, max(values) + margin]
    y = score_axis("mean", metric, capital(metric.title), domain=domain)
    panels = tuple(run_panel(results.study, found, titles[name], y, metric.in_points) for name, found in drawn.items())
    yield Chart(
        key="learning_curves",
        title="Learning curves",
        caption="Means over seeds with 95 % bands, run by run; the epochs under the deficit are shaded, the darker "
        "the more runs share them. "
        f"Training {metric.title} is measured on the examples as trained on, deficit included. "
        f"{_sparse(results.study)}"
        f"Drag to move along, hold Shift and scroll to zoom, double-click to reset.{left_out(results.study)}",
        alt=f"Charts of test and training {metric.title} by epoch for every run. The numbers follow in a table.",
        panels=panels,
        columns=COLUMNS,
        rows=tuple(m.cells() for found in drawn.values() for m in found),
        interval="95 % t",
        seeds=tuple(m.seeds for found in drawn.values() for m in found),
    )


def _sparse(study: Study) -> str:
    """Which epochs of tests are drawn, where not all are; a sentence and a space, or nothing."""
    return f"Networks were tested {tested_words(study)}; lines join the tests. " if study.evaluation.every > 1 else ""


def _rows(study: Study, drawn: Sequence[Moment], accuracy: bool) -> list[JSON]:
    rows: list[JSON] = []
    for m in drawn:
        value = percent(m.mean) if accuracy else significant(m.mean)
        if m.low is not None and m.high is not None:
            value += f" {interval(m.low, m.high) if accuracy else significant_limits(m.low, m.high)}"
        apart = "without the deficit" if m.run.background else "clean"
        phase = "under the deficit" if m.epoch > 0 and m.epoch - 1 in m.run.window else apart
        plain = {**_run(m.run), "epoch": m.epoch, "mean": m.mean, "low": m.low, "high": m.high, "n": m.n}
        rows.append({"part": "mean", **plain, "value": value, "phase": phase})
    last = {row["run"]: row for row in rows}
    rows += [{**row, "part": "last"} for row in last.values()]
    for run in drawn_runs(study):
        if not run.clean and run_label(run) in last:
            window = {"start": run.window.start, "stop": run.window.stop}
            rows.append({"part": "window", **_run(run), **window})
    return [*rows, *_seed_rows(drawn)]


def _run(run: Run) -> JSON:
    """What the rows of a run say of it; a clean one is no point of the sweep."""
    return {"run": run_label(run), **({} if run.clean else {"at": str(run.at)})}


def _seed_rows(drawn: Sequence[Moment]) -> list[JSON]:
    """Single seeds, of evenly thinned epochs where there are many numbers; none where there is one seed."""
    count = sum(len(m.seeds) for m in drawn)
    epochs = sorted({m.epoch for m in drawn})
    kept = (
        set(epochs[:: -(-count // MOST_SEED_ROWS)]) | {m.run.window.stop for m in drawn} | {m.run.total for m in drawn}
    )
    return [
        {"part": "seed", **_run(m.run), "epoch": m.epoch, "seed": seed, "mean": value}
        for m in drawn
        if m.epoch in kept and m.n > 1
        for seed, value in m.seeds.items()
    ]


def run_panel(study: Study, drawn: Sequence[Moment], title: str, y: JSON, accuracy: bool) -> Panel:
    """One quantity by epoch, a line for each run, with bands and with the windows of the deficit.

    Args:
        study: whose runs they are.
        drawn: the means, in the order of the runs.
        title: of the panel.
        y: the vertical channel, of the field ``mean``.
        accuracy: whether tooltips give percentages.
    """
    rows = _rows(study, drawn, accuracy)
    names = list(dict.fromkeys(run_label(moment.run) for moment in drawn))
    deprived = [name for name in names if name not in UNSWEPT]
    colours = [*["$control"] * (len(names) - len(deprived)), *ordered("late", len(deprived))]
    looks = legend("run", place_title(study), names, colours)
    epochs = [m.epoch for m in drawn] + [run.window.stop for run in drawn_runs(study) if run_label(run) in names]
    # with domains of their own, axes stay as they are when curves are hidden
    scale = {"domain": [min(epochs), max(epochs)], "nice": False, "padding": 6}
    x = quantity("epoch", "Epoch", scale=scale, axis={"tickMinStep": 1})
    if "domain" not in y.get("scale", {}):
        y = {**y, "scale": {**y.get("scale", {}), "domain": _domain(drawn, y)}}
    where = {"x": x, "y": y, "color": looks["color"]}
    shaded = sum(row["part"] == "window" for row in rows)
    layers = [
        *([_windows(x, shaded)] if shaded else []),
        *([_bands(where)] if any(moment.low is not None for moment in drawn) else []),
        *([_seeds(where)] if any(row["part"] == "seed" for row in rows) else []),
        *_lines(where, looks, place_title(study)),
    ]
    few = max(moment.n for moment in drawn) < FEW_SEEDS
    return Panel(title, specification(rows, layers, seeds_drawn=few), max(map(len, names)), 320)


def _domain(drawn: Sequence[Moment], y: JSON) -> list[float]:
    """The range of means, intervals and, where they are drawn, seeds; of a logarithmic axis without room around it."""
    few = max(m.n for m in drawn) < FEW_SEEDS
    values = [value for m in drawn for value in (m.mean, m.low, m.high, *(m.seeds.values() if few else ()))]
    known = [value for value in values if value is not None]
    if y.get("scale", {}).get("type") == "log":
        positive = [value for value in known if value > 0]
        return [min(positive), max(positive)]
    low, high = min(known), max(known)
    room = 0.04 * ((high - low) or abs(high) or 1.0)
    # zero belongs to an axis of amounts, and nothing lies below it
    return [0.0 if low >= 0 else low - room, high + room]


def _windows(x: JSON, count: int) -> JSON:
    """Shades every window, the one of a picked run alone; where all ``count`` overlap it stays light."""
    opacity = {"condition": {"param": "pick", "value": min(0.07, 0.26 / count)}, "value": 0}
    encoding = {"x": {**x, "field": "start"}, "x2": {"field": "stop"}, "opacity": opacity}
    return {"transform": only("window"), "mark": {"type": "rect", "color": "$deficit"}, "encoding": encoding}


def _bands(where: JSON) -> JSON:
    """Intervals; their opacity is theirs alone, since a condition on it would hide the lines below."""
    limits = {"y": {**where["y"], "field": "low"}, "y2": {"field": "high"}}
    return {
        "transform": [*only("mean"), {"filter": "isValid(datum.low)"}],
        "mark": {"type": "area", "clip": True},
        "encoding": {**where, **limits, "opacity": dimmed(0.13, 0)},
    }


def _seeds(where: JSON) -> JSON:
    """A thin line for each seed of each run."""
    return {
        "transform": only("seed"),
        "mark": {"type": "line", "strokeWidth": 0.75, "clip": True},
        "encoding": {**where, "detail": {"field": "seed"}, "opacity": dimmed(0.5, 0.04)},
    }


def _lines(where: JSON, looks: JSON, title: str) -> list[JSON]:
    """Means, a dot where the pointer is, and a shape at the end of every run."""
    hover = {"name": "hover", "select": {"type": "point", "on": "pointerover", "clear": "pointerout"}}
    seen = {"condition": {"param": "hover", "value": 1, "empty": False}, "value": 0}
    shown = [
        tip("run", title),
        tip("epoch", "Epoch"),
        tip("phase", "Images"),
        tip("value", "Mean (95 %)"),
        tip("n", "n"),
    ]
    dot = {"type": "point", "filled": True, "clip": True}
    return [
        {
            "params": [pick("run"), ZOOM],
            "transform": only("mean"),
            "mark": {"type": "line", "strokeWidth": 1.75, "clip": True},
            "encoding": {**where, "opacity": dimmed(1, 0.1)},
        },
        {
            "params": [hover],
            "transform": only("mean"),
            "mark": {**dot, "size": 60},
            "encoding": {**where, "opacity": seen, "tooltip": shown},
        },
        {
            "transform": only("last"),
            "mark": {**dot, "size": 65, "stroke": "$paper", "strokeWidth": 1},
            "encoding": {**where, **looks, "opacity": dimmed(1, 0.1)},
        },
    ]
