"""What happens while networks train: learning curves and the trace of the Fisher information."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from critlab.analysis.curve import order
from critlab.analysis.inference import summarise
from critlab.analysis.results import Results
from critlab.report.chart import Cell, Chart, Panel
from critlab.report.charts.encoding import (
    JSON,
    ZOOM,
    dimmed,
    hundredths,
    legend,
    only,
    pick,
    quantity,
    specification,
    tip,
)
from critlab.report.theme import ordered
from critlab.report.wording import UNSWEPT, interval, percent, place_title, run_label, spaced
from critlab.study import Run, Study

COLUMNS = ("run", "quantity", "epoch", "n", "mean", "low", "high")
ACCURACIES = {"test_accuracy": "Test accuracy", "train_accuracy": "Training accuracy"}
LOG_RATIO = 20
MOST_DRAWN = 24
"""How many deprived runs a chart of training shows: each adds all its epochs to the page."""


@dataclass(frozen=True)
class _Moment:
    """The mean of a quantity over seeds, of one run after one epoch."""

    run: Run
    quantity: str
    epoch: int
    n: int
    mean: float
    low: float | None
    high: float | None


def learning_charts(results: Results) -> Iterator[Chart]:
    """Test and training accuracy by epoch, side by side."""
    moments = {name: _moments(results, name) for name in ACCURACIES}
    drawn = {name: found for name, found in moments.items() if found}
    if not drawn:
        return
    values = [
        value for found in drawn.values() for m in found for value in (m.mean, m.low, m.high) if value is not None
    ]
    margin = 0.04 * (max(values) - min(values))
    domain = [min(values) - margin, max(values) + margin]
    panels = tuple(
        _panel(results.study, found, ACCURACIES[name], hundredths("mean", "Accuracy (%)", domain=domain), True)
        for name, found in drawn.items()
    )
    yield Chart(
        key="learning_curves",
        title="Learning curves",
        caption="Means over seeds with 95 % bands, run by run; the epochs under the deficit are shaded, the darker "
        "the more runs share them. Training accuracy is measured on the images as trained on, deficit included. "
        f"Drag to move along, hold Shift and scroll to zoom, double-click to reset.{_left_out(results.study)}",
        alt="Charts of test and training accuracy by epoch for every run. The numbers follow in a table.",
        panels=panels,
        columns=COLUMNS,
        rows=_numbers(m for found in drawn.values() for m in found),
    )


def fisher_charts(results: Results) -> Iterator[Chart]:
    """The trace of the Fisher information by epoch, where it was measured."""
    found = _moments(results, "fisher_trace")
    if not found:
        return
    y = quantity("mean", "Trace of the Fisher information (nats²)", axis={"format": ",~g", "tickCount": 5})
    # an untrained network has next to no information: its point alone is no reason for a logarithmic scale
    means = [moment.mean for moment in found if moment.epoch > 0] or [moment.mean for moment in found]
    least = min([*means, *(m.low for m in found if m.low is not None and m.epoch > 0)])
    drawn = found
    if least > 0 and max(means) / least > LOG_RATIO:
        y |= {"scale": {"type": "log"}, "title": f"{y['title']}, log scale"}
        # a band that reaches below zero has no place on this axis: it is drawn down to the smallest number that has
        floor = min(value for m in found for value in (m.mean, m.low) if value is not None and value > 0)
        drawn = [replace(m, low=max(m.low, floor)) if m.low is not None else m for m in found]
    yield Chart(
        key="fisher_trace",
        title="Fisher information through training",
        caption="Trace of the Fisher information of all weights, per example, mean over seeds with 95 % bands. Shaded: "
        "epochs under the deficit. Click a name below to see one run with its window."
        f"{_left_out(results.study)}",
        alt="Chart of the trace of the Fisher information by epoch for every run. The numbers follow in a table.",
        panels=(_panel(results.study, drawn, "", y, False),),
        columns=COLUMNS,
        rows=_numbers(found),
    )


def drawn_runs(study: Study) -> list[Run]:
    """The longest clean run, then the runs of the deficit's arm in the order of the sweep, evenly thinned if many."""
    clean = [run for run in study.runs if run.role == "control"]
    deprived = sorted((run for run in study.runs if run.role == "deficit"), key=lambda run: order(run.at))
    if len(deprived) > MOST_DRAWN:
        last = len(deprived) - 1
        deprived = [deprived[round(place * last / (MOST_DRAWN - 1))] for place in range(MOST_DRAWN)]
    return [*sorted(clean, key=lambda run: -run.total)[:1], *deprived]


def _left_out(study: Study) -> str:
    points = len(study.sweep.points)
    if points <= MOST_DRAWN + 1:
        return ""
    return f" Chart and table show about {MOST_DRAWN} of the {points:,} points of the sweep; critlab export gives all."


def _moments(results: Results, name: str) -> list[_Moment]:
    found = []
    for run in drawn_runs(results.study):
        by_epoch: dict[int, list[float]] = {}
        for seed in results.study.seeds:
            for row in results.by_run.get(run.identifier(seed), ()):
                if row.quantity == name and not row.layer:
                    by_epoch.setdefault(row.epoch, []).append(row.value)
        for epoch, values in sorted(by_epoch.items()):
            mean = summarise(values)
            found.append(_Moment(run, name, epoch, mean.n, mean.mean, mean.low, mean.high))
    return found


def _rows(study: Study, moments: Sequence[_Moment], accuracy: bool) -> list[JSON]:
    rows: list[JSON] = []
    for m in moments:
        value = percent(m.mean) if accuracy else f"{m.mean:.3g}"
        if m.low is not None and m.high is not None:
            value += f"  ({interval(m.low, m.high) if accuracy else f'{m.low:.3g} to {m.high:.3g}'})"
        apart = "without the deficit" if m.run.background else "clean"
        phase = "under the deficit" if m.epoch > 0 and m.epoch - 1 in m.run.window else apart
        plain = {
            "run": run_label(m.run),
            "epoch": m.epoch,
            "mean": m.mean,
            "low": m.low,
            "high": m.high,
            "n": m.n,
        }
        rows.append({"part": "mean", **plain, "value": value, "phase": phase})
    last = {row["run"]: row for row in rows}
    rows += [{**row, "part": "last"} for row in last.values()]
    for run in drawn_runs(study):
        if not run.clean and run_label(run) in last:
            window = {"start": run.window.start, "stop": run.window.stop}
            rows.append({"part": "window", "run": run_label(run), **window})
    return rows


def _panel(study: Study, moments: Sequence[_Moment], title: str, y: JSON, accuracy: bool) -> Panel:
    rows = _rows(study, moments, accuracy)
    names = list(dict.fromkeys(run_label(moment.run) for moment in moments))
    deprived = [name for name in names if name not in UNSWEPT]
    colours = [*["$control"] * (len(names) - len(deprived)), *ordered("late", len(deprived))]
    looks = legend("run", place_title(study), names, colours)
    x = quantity("epoch", "Epoch", scale={"nice": False, "padding": 6}, axis={"tickMinStep": 1})
    where = {"x": x, "y": y, "color": looks["color"]}
    shaded = sum(row["part"] == "window" for row in rows)
    layers = [
        *([_windows(x, shaded)] if shaded else []),
        *([_bands(where)] if any(moment.low is not None for moment in moments) else []),
        *_lines(where, looks, place_title(study)),
    ]
    return Panel(title, specification(rows, layers), max(map(len, names)), 320)


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


def _numbers(moments: Iterator[_Moment] | Sequence[_Moment]) -> tuple[tuple[Cell, ...], ...]:
    return tuple((run_label(m.run), spaced(m.quantity), m.epoch, m.n, m.mean, m.low, m.high) for m in moments)
