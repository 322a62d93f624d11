"""The ribbon of phases of a watched training: when the prime learning window of each group was open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from critlab.hooks.watch.records.record import Record
from critlab.report.chart import Chart, Panel
from critlab.report.charts.encoding import JSON, quantity, specification, tip

TOLD = (("group", "Group"), ("window", "Prime window"), ("start", "From"), ("stop", "To step"))
COLOURS = {"open": "$deficit", "closed": "$clock", "unknown": "$rule"}


def window_ribbon(history: Sequence[Record]) -> Iterator[Chart]:
    """One row for each group of modules; nothing where there are no groups.

    Args:
        history: the records that are shown.
    """
    names = list(dict.fromkeys(name for one in history for name in one.windows))
    if not names or len(history) < 2:
        return
    rows: list[JSON] = [
        {"group": name, "start": before.step, "stop": after.step, "window": after.windows[name].name}
        for before, after in pairwise(history)
        for name in names
        if name in after.windows
    ]
    states = list(dict.fromkeys([*COLOURS, *(str(row["window"]) for row in rows)]))
    shown = [state for state in states if any(row["window"] == state for row in rows)]
    scale = {"domain": shown, "range": [COLOURS.get(state, "$control") for state in shown]}
    bar: JSON = {
        "mark": {"type": "bar", "height": {"band": 0.6}},
        "encoding": {
            "x": quantity("start", "Step", scale={"nice": False}, axis={"tickMinStep": 1, "tickCount": 6}),
            "x2": {"field": "stop"},
            "y": {"field": "group", "type": "nominal", "title": None, "sort": names},
            "color": {"field": "window", "type": "nominal", "title": "Prime window", "scale": scale},
            "tooltip": [
                tip("group", "Group"),
                tip("window", "Prime window"),
                tip("start", "From"),
                tip("stop", "To step"),
            ],
        },
    }
    yield Chart(
        key="windows",
        title="Prime learning windows",
        caption="When the prime learning window of each group of modules was open, from record to record.",
        alt="Ribbons of the prime learning windows by step. The numbers follow in a table.",
        panels=(Panel("", specification(rows, [bar]), 8, 50 + 34 * len(names)),),
        columns=("group", "from step", "to step", "prime window"),
        rows=tuple((row["group"], row["start"], row["stop"], row["window"]) for row in rows),
    )
