"""The damage class by class, at the point that a slider chooses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from critlab.analysis.effects.class_damage import ClassDamage, class_damages
from critlab.analysis.tables.results import Results
from critlab.report.chart import Chart, Panel
from critlab.report.charts.encoding import HUNDREDTHS, JSON, quantity, specification, tip
from critlab.report.charts.sliders.slider import point_slider, with_slider
from critlab.report.text.numbers import interval, points

MOST_CLASSES = 40
"""How many classes are drawn, those with the largest damage; the table has all."""

COLUMNS = ("class", "at", "n", "test examples", "damage", "low", "high")


def class_charts(results: Results) -> Iterator[Chart]:
    """One chart; none where the labels of the test are not known, or which test examples were correct."""
    found = list(class_damages(results))
    if not found:
        return
    at = list(dict.fromkeys(one.at for one in found))
    whole = {place: sum(one.estimate * one.images for one in found if one.at == place) for place in at}
    start = max(range(len(at)), key=lambda index: whole[at[index]])
    slider = point_slider(results.study, at, start)
    first = sorted((one for one in found if one.at == at[start]), key=lambda one: -one.estimate)
    shown = sorted(one.label for one in first[:MOST_CLASSES])
    more = f" The {MOST_CLASSES} most damaged of {len(first)} classes are drawn." if len(first) > MOST_CLASSES else ""
    yield Chart(
        key="class_damage",
        title="Damage, class by class",
        caption=f"Accuracy on the test examples of each class: clean control minus run, paired by seed, with the 95 % "
        f"interval of each class alone over seeds and examples.{more}",
        alt="Chart of the damage of each class. The numbers follow in a table.",
        panels=(
            Panel(
                "",
                with_slider(specification(_rows(found, shown), _layers(found, shown)), slider),
                12,
                40 + 20 * len(shown),
            ),
        ),
        columns=COLUMNS,
        rows=tuple((one.label, one.at, one.n, one.images, one.estimate, one.low, one.high) for one in found),
        interval="95 % t, over seeds and test examples",
        slider=slider if len(at) > 1 else None,
    )


def _rows(found: Sequence[ClassDamage], shown: Sequence[int]) -> list[JSON]:
    return [
        {
            "label": str(one.label),
            "at": str(one.at),
            "estimate": one.estimate,
            "low": one.low,
            "high": one.high,
            "n": one.n,
            "images": one.images,
            "value": f"{points(one.estimate)} {interval(one.low, one.high)}",
        }
        for one in found
        if one.label in shown
    ]


def _layers(found: Sequence[ClassDamage], shown: Sequence[int]) -> list[JSON]:
    drawn = [one for one in found if one.label in shown]
    ends = [value for one in drawn for value in (one.estimate, one.low, one.high) if value is not None]
    room = 0.04 * ((max(ends) - min(ends)) or 0.01)
    # one axis for all points, so that they can be compared as the slider moves
    scale = {"domain": [min(*ends, 0.0) - room, max(*ends, 0.0) + room], "nice": False}
    x = quantity(
        "estimate",
        "Damage (percentage points)",
        axis={"labelExpr": HUNDREDTHS, "grid": True, "tickCount": 6},
        scale=scale,
    )
    y: JSON = {"field": "label", "type": "nominal", "title": "Class", "sort": [str(one) for one in shown]}
    y["axis"] = {"domain": False, "ticks": False}
    y["scale"] = {"domain": [str(one) for one in shown]}
    told = [tip("label", "Class"), tip("value", "Damage"), tip("n", "n"), tip("images", "Test examples")]
    limits: JSON = {
        "mark": {"type": "rule", "strokeWidth": 2, "color": "$deficit"},
        "encoding": {"y": y, "x": {**x, "field": "low"}, "x2": {"field": "high"}},
    }
    return [
        {
            "data": {"values": [{"estimate": 0}]},
            "mark": {"type": "rule", "color": "$control", "strokeWidth": 1.5},
            "encoding": {"x": x},
        },
        *([limits] if any(one.low is not None for one in drawn) else []),
        {
            "mark": {"type": "point", "filled": True, "size": 65, "opacity": 1, "color": "$deficit"},
            "encoding": {"y": y, "x": x, "tooltip": told},
        },
    ]
