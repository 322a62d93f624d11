"""The ribbon of forks, and the damage that they found, on the page of a watched training."""

from __future__ import annotations

from typing import Any

from critlab.hooks.sensitivity.course import Course, finite
from critlab.report.chart import Chart, Panel
from critlab.report.charts.encoding import HUNDREDTHS, JSON, legend, only, quantity, specification, tip
from critlab.report.text.metric_words import MetricWords

ANSWERS = ("open", "undecided", "closed")
COLOURS = ("$deficit", "$control", "$clock")
EPOCH = "Epoch"
ALT = "The numbers follow in a table."


def fork_charts(course: Course) -> list[Chart]:
    """The charts of forks; none without forks."""
    return [ribbon(course), damages(course)] if course.looks else []


def ribbon(course: Course) -> Chart:
    """Each deficit's answers by epoch."""
    words = MetricWords(course.metric)
    rows = [{"part": "answer", **_shown(one, words)} for one in course.rows()]
    names = list(course.deficits)
    damage = tip("damage", f"Damage ({words.of})")
    tips = [tip("deficit", "Deficit"), tip("epoch", EPOCH), tip("answer", "Period"), damage]
    mark: JSON = {
        "transform": only("answer"),
        "mark": {"type": "point", "filled": True, "size": 220, "opacity": 1},
        "encoding": {
            "x": _x(),
            "y": {"field": "deficit", "type": "nominal", "title": None, "sort": names},
            **legend("answer", "Period", ANSWERS, COLOURS),
            "tooltip": tips,
        },
    }
    return Chart(
        key="forks",
        title="Is the period open?",
        caption="The answer of forks at each epoch, for each deficit, to within the smallest damage of interest.",
        alt=f"Chart of the answers of forks by epoch. {ALT}",
        panels=(Panel("", specification(rows, [mark]), max(map(len, names)), 60 + 40 * len(names)),),
        columns=("epoch", "deficit", "answer", "repeats", "damage now", "low", "high", "healing", "forecast"),
        rows=tuple(
            (
                one["epoch"],
                one["deficit"],
                one["answer"],
                one["repeats"],
                one["damage_now"],
                one["damage_now_low"],
                one["damage_now_high"],
                one["healing"],
                one["forecast"],
            )
            for one in course.rows()
        ),
    )


def damages(course: Course) -> Chart:
    """The damage now with its interval, and the smallest damage of interest."""
    words = MetricWords(course.metric)
    rows = [{"part": "damage", **_shown(one, words)} for one in course.rows()]
    smallest = min(one.smallest for look in course.looks for one in look.values())
    names = list(course.deficits)
    axis: JSON = {"tickCount": 6, **({"labelExpr": HUNDREDTHS} if course.metric.in_points else {})}
    y = quantity("damage_now", f"Damage after the fork ({words.of})", axis=axis)
    layers: list[JSON] = [
        {
            "data": {"values": [{"smallest": smallest}]},
            "mark": {"type": "rule", "strokeDash": [4, 4], "color": "$soft"},
            "encoding": {"y": {"field": "smallest", "type": "quantitative"}},
        },
        {
            "transform": [*only("damage"), {"filter": "isValid(datum.low) && isValid(datum.high)"}],
            "mark": {"type": "rule"},
            "encoding": {
                "x": _x(),
                "y": {**y, "field": "low"},
                "y2": {"field": "high"},
                "color": legend("deficit", "Deficit", names, _colours(len(names)))["color"],
            },
        },
        {
            "transform": only("damage"),
            "mark": {"type": "point", "filled": True, "size": 60},
            "encoding": {
                "x": _x(),
                "y": y,
                **legend("deficit", "Deficit", names, _colours(len(names))),
                "tooltip": [tip("deficit", "Deficit"), tip("epoch", EPOCH), tip("damage", f"Damage ({words.of})")],
            },
        },
    ]
    return Chart(
        key="fork_damage",
        title="Damage that forks found",
        caption="Mean over repeats, with intervals that hold at all looks; dashed: the smallest damage of interest.",
        alt=f"Chart of the damage after forks by epoch. {ALT}",
        panels=(Panel("", specification(rows, layers), max(map(len, names)), 280),),
        columns=("epoch", "deficit", "clean epochs", "damage", "low", "high"),
        rows=tuple(
            (one.onset, one.deficit, clean, found.mean, finite(found.low), finite(found.high))
            for look in course.looks
            for one in look.values()
            for clean in range(1, one.clean + 1)
            for found in [one.after(clean)]
        ),
    )


def _shown(one: dict[str, Any], words: MetricWords) -> JSON:
    return {
        "epoch": one["epoch"],
        "deficit": one["deficit"],
        "answer": one["answer"],
        "damage_now": one["damage_now"],
        "damage": words.number(one["damage_now"]),
        "low": one["damage_now_low"],
        "high": one["damage_now_high"],
    }


def _colours(count: int) -> list[str]:
    named = ["$deficit", "$clock", "$negative", "$control"]
    return [named[place % len(named)] for place in range(count)]


def _x() -> JSON:
    return quantity("epoch", EPOCH, scale={"nice": False, "padding": 14}, axis={"tickMinStep": 1, "tickCount": 8})
