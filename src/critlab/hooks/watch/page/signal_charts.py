"""The charts of a watched training's signals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from critlab._core.estimate import Estimate
from critlab.analysis.sources.prime_window import RULE
from critlab.hooks.watch.records.record import Record
from critlab.hooks.watch.records.signals import INTERVAL, QUANTITIES
from critlab.report.chart import Cell, Chart, Panel
from critlab.report.charts.encoding import HUNDREDTHS, JSON, legend, only, quantity, specification, tip
from critlab.report.theme import ordered

STEP = "Step"
ALT = "The numbers follow in a table."


def signal_charts(history: Sequence[Record]) -> list[Chart]:
    """The charts of a training's signals.

    Args:
        history: the records that are shown, at least one.
    """
    found = (
        _loss(history),
        _trace(history),
        _uncertainty(history),
        _groups(history),
        _shares(history),
        _motion(history),
    )
    return [chart for chart in found if chart]


def _trace(history: Sequence[Record]) -> Chart:
    return _course(
        [(one, one.trace) for one in history],
        key="trace",
        title="Fisher information through training",
        label="Trace of the Fisher information (nats²)",
        caption="Of all trainable weights, per example: mean over looks with 95 % bands.",
    )


def _loss(history: Sequence[Record]) -> Chart | None:
    """What the loop gave of its losses, where it did."""
    readings = [(one, one.loss) for one in history if one.loss is not None and math.isfinite(one.loss.value)]
    if not readings:
        return None
    return _course(
        readings,
        key="loss",
        title="Training loss",
        label="Training loss",
        caption="Mean of the batches' losses from record to record, with 95 % bands.",
    )


def _uncertainty(history: Sequence[Record]) -> Chart:
    return _course(
        [(one, one.uncertainty) for one in history],
        key="uncertainty",
        title="Uncertainty of the answers",
        label="Entropy (nats)",
        caption="Mean entropy of the model's answers to the probe, with 95 % bands.",
    )


def _course(readings: Sequence[tuple[Record, Estimate]], *, key: str, title: str, label: str, caption: str) -> Chart:
    """A quantity by step with its bands."""
    rows: list[JSON] = [
        {
            "part": key,
            "step": one.step,
            key: value.value,
            "low": max(0.0, value.value - INTERVAL * value.stderr),
            "high": value.value + INTERVAL * value.stderr,
        }
        for one, value in readings
        if math.isfinite(value.stderr)
    ]
    x, y = _x(), quantity(key, label, axis={"format": ",.4~r", "tickCount": 5})
    shown = [tip("step", STEP), tip(key, label)]
    layers: list[JSON] = [
        {
            "transform": only(key),
            "mark": {"type": "area", "opacity": 0.15, "color": "$clock"},
            "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}},
        },
        {
            "transform": only(key),
            "mark": {"type": "line", "strokeWidth": 1.75, "color": "$clock"},
            "encoding": {"x": x, "y": y},
        },
        {
            "transform": only(key),
            "mark": {"type": "point", "filled": True, "size": 45, "color": "$clock"},
            "encoding": {"x": x, "y": y, "tooltip": shown},
        },
    ]
    return Chart(
        key=key,
        title=title,
        caption=caption,
        alt=f"Chart of {label[0].lower()}{label[1:]} by step. {ALT}",
        panels=(Panel("", specification(rows, layers), 12, 320),),
        columns=("step", "looks", key, "standard error"),
        rows=tuple((one.step, one.looks, value.value, value.stderr) for one, value in readings),
    )


def _groups(history: Sequence[Record]) -> Chart | None:
    """Each group's trace, with filled points while its window is open."""
    names = list(dict.fromkeys(name for one in history for name in one.groups))
    if not names:
        return None
    rows: list[JSON] = [
        {"part": "group", "step": one.step, "group": name, "trace": trace.value, "window": one.windows[name].name}
        for one in history
        for name, trace in one.groups.items()
    ]
    x, y = _x(), quantity("trace", "Trace of the Fisher information (nats²)", axis={"format": ",.4~r", "tickCount": 5})
    channels = {"x": x, "y": y, **legend("group", "Group", names, ordered("late", len(names)))}
    shown = [tip("group", "Group"), tip("step", STEP), tip("trace", "Trace"), tip("window", "Prime window")]
    line = {key: value for key, value in channels.items() if key != "shape"}
    is_open = {"condition": {"test": "datum.window === 'open'", "value": 1}, "value": 0}
    layers: list[JSON] = [
        {"transform": only("group"), "mark": {"type": "line", "strokeWidth": 1.75}, "encoding": line},
        {
            "transform": only("group"),
            "mark": {"type": "point", "filled": False, "size": 45},
            "encoding": {**channels, "tooltip": shown},
        },
        {
            "transform": only("group"),
            "mark": {"type": "point", "filled": True, "size": 45},
            "encoding": {**channels, "opacity": is_open, "tooltip": shown},
        },
    ]
    return Chart(
        key="groups",
        title="Prime learning window of each group",
        caption=f"Trace of the Fisher information of each group's weights; filled: the window is open. It is {RULE}.",
        alt=f"Chart of the Fisher information of each group by step. {ALT}",
        panels=(Panel("", specification(rows, layers), max(map(len, names)), 320),),
        columns=("step", "group", "trace", "standard error", "growth an epoch", "prime window"),
        rows=tuple(
            (one.step, name, trace.value, trace.stderr, growth.value if growth else None, one.windows[name].name)
            for one in history
            for name, trace in one.groups.items()
            for growth in [one.windows[name].growth]
        ),
    )


def _shares(history: Sequence[Record]) -> Chart | None:
    layers = list(dict.fromkeys(name for one in history for name in one.shares))
    rows: list[JSON] = [
        {"part": "share", "step": one.step, "layer": name or "(root)", "depth": layers.index(name), "share": share}
        for one in history
        for name, share in one.shares.items()
    ]
    if len(layers) < 2:
        return None
    y = quantity("share", "Share of the trace (%)", stack="zero", scale={"domain": [0, 1]})
    y["axis"] = {"labelExpr": HUNDREDTHS, "values": [0, 0.25, 0.5, 0.75, 1], "grid": False}
    names = [name or "(root)" for name in layers]
    colour = {"scale": {"domain": names, "range": ordered("deep", len(names))}, "title": "Layer", "sort": names}
    area = {
        "transform": only("share"),
        "mark": {"type": "area", "stroke": "$paper", "strokeWidth": 0.8},
        "encoding": {
            "x": _x(),
            "y": y,
            "color": {"field": "layer", "type": "nominal", **colour},
            "order": {"field": "depth", "type": "quantitative"},
            "tooltip": [tip("layer", "Layer"), tip("step", STEP), tip("share", "Share")],
        },
    }
    return Chart(
        key="layer_shares",
        title="Where the information lies",
        caption="Each layer's share of the trace, first layer at the bottom. A network that reorganises moves them.",
        alt=f"Chart of each layer's share of the Fisher information by step. {ALT}",
        panels=(Panel("", specification(rows, [area]), max(map(len, names)), 320),),
        columns=("step", "layer", "share"),
        rows=tuple((row["step"], row["layer"], row["share"]) for row in rows),
    )


def _motion(history: Sequence[Record]) -> Chart | None:
    names = [name for name in MOTION if sum(QUANTITIES[name][2](one) is not None for one in history) > 1]
    if not names:
        return None

    def panel(name: str) -> Panel:
        title, _, read = QUANTITIES[name]
        rows: list[dict[str, Any]] = [
            {"part": "line", "step": one.step, "value": value} for one in history if (value := read(one)) is not None
        ]
        encoding = {"x": _x(), "y": quantity("value", title), "tooltip": [tip("step", STEP), tip("value", title)]}
        mark = {"type": "line", "point": True, "color": "$control"}
        line = {"transform": only("line"), "mark": mark, "encoding": encoding}
        return Panel(title, specification(rows, [line]), 12, 220)

    cells: list[tuple[Cell, ...]] = [(one.step, *(_cell(one, name) for name in names)) for one in history]
    return Chart(
        key="motion",
        title="Gradients, weights and the learning rate",
        caption="The signal is the squared norm of the mean gradient, the noise the variance of one batch's gradient; "
        "the distance is summed from record to record.",
        alt=f"Charts by step: {', '.join(QUANTITIES[name][0].lower() for name in names)}. {ALT}",
        panels=tuple(map(panel, names)),
        columns=("step", *names),
        rows=tuple(cells),
    )


MOTION = (
    "gradient_norm",
    "gradient_norm_after_clipping",
    "gradient_signal_to_noise",
    "path",
    "movement",
    "lr",
)
"""The quantities of :func:`_motion`."""


def _cell(record: Record, name: str) -> float | None:
    found = QUANTITIES[name][2](record)
    return found.value if isinstance(found, Estimate) else found


def _x() -> JSON:
    return quantity("step", STEP, scale={"nice": False, "padding": 6}, axis={"tickMinStep": 1, "tickCount": 6})
