"""Histograms of units: how many of them have which value of a measure, at the end of training."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from critlab.measures import Quantity
from critlab.report.chart import Chart, Panel
from critlab.report.charts.encoding import HUNDREDTHS, JSON, quantity, specification, tip
from critlab.report.charts.layers import point_of, run_title
from critlab.report.charts.moments import Moment, Places
from critlab.report.text.names import run_label, spaced
from critlab.report.text.numbers import percent
from critlab.study import Run, Study

UNITS = "fraction of units"
"""The unit of a quantity that is the share of units in a bin; the column ``layer`` holds the bin's middle."""

COLUMNS = ("run", "quantity", "bin", "epoch", "n", "share", "low", "high")


def is_histogram(shown: Quantity, places: Places) -> bool:
    """Whether a quantity is a histogram of units."""
    return shown.unit == UNITS and all(_is_number(name) for name in places) and len(places) > 1


def histogram_chart(study: Study, shown: Quantity, places: Places, runs: Sequence[Run]) -> Chart:
    """One panel for each run, at its last measured epoch.

    Args:
        study: whose units they are.
        shown: the quantity.
        places: its moments by the middle of the bin.
        runs: which are shown.
    """
    ends = {run.name: _at_the_end(places, run) for run in runs}
    most = max(m.high if m.high is not None else m.mean for found in ends.values() for m in found)
    what = shown.by or "value"
    return Chart(
        key=f"{shown.name}_of_units",
        title=shown.label,
        caption=f"Share of the units by their {what}, at the end of training; means over seeds with 95 % intervals. "
        "One panel for each of these runs: clean, first and last of the sweep.",
        alt=f"Histograms of the units by {what}. The numbers follow in a table.",
        panels=tuple(
            Panel(run_title(study, run), _bars(ends[run.name], what, most), 12, 240, at=point_of(run)) for run in runs
        ),
        columns=COLUMNS,
        rows=tuple(
            (run_label(run), spaced(m.quantity), m.layer, m.epoch, m.n, m.mean, m.low, m.high)
            for run in runs
            for m in ends[run.name]
        ),
        interval="95 % t",
        seeds=tuple(m.seeds for run in runs for m in ends[run.name]),
    )


def _at_the_end(places: Places, run: Run) -> list[Moment]:
    own = {name: [m for m in found if m.run == run] for name, found in places.items()}
    return [own[name][-1] for name in sorted(own, key=float) if own[name]]


def _bars(found: Sequence[Moment], what: str, most: float) -> JSON:
    middles = [float(m.layer) for m in found]
    half = min((b - a for a, b in pairwise(middles)), default=1.0) / 2
    rows: list[JSON] = [
        {
            "start": middle - half,
            "stop": middle + half,
            "middle": middle,
            "mean": m.mean,
            "low": m.low,
            "high": m.high,
            "value": percent(m.mean),
        }
        for middle, m in zip(middles, found, strict=True)
    ]
    limits = [middles[0] - half, middles[-1] + half]
    x = quantity("start", what.capitalize(), scale={"domain": limits, "nice": False}, axis={"tickCount": 5})
    scale = {"domain": [0, 1.05 * most], "nice": False}
    y = quantity("mean", "Units (%)", axis={"labelExpr": HUNDREDTHS, "tickCount": 4}, scale=scale)
    bars: JSON = {
        "mark": {"type": "rect", "color": "$deficit", "opacity": 0.75, "stroke": "$paper", "strokeWidth": 0.5},
        "encoding": {
            "x": x,
            "x2": {"field": "stop"},
            "y": y,
            "y2": {"datum": 0},
            "tooltip": [tip("middle", what.capitalize()), tip("value", "Units")],
        },
    }
    errors: JSON = {
        "transform": [{"filter": "isValid(datum.low)"}],
        "mark": {"type": "rule", "color": "$ink"},
        "encoding": {"x": {**x, "field": "middle"}, "y": {**y, "field": "low"}, "y2": {"field": "high"}},
    }
    return specification(rows, [bars, *([errors] if any(row["low"] is not None for row in rows) else [])])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
