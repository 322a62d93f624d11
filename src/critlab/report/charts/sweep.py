"""The study's curve: final score and damage at every point of the sweep, with its controls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from critlab.analysis.curve_points import CurvePoint
from critlab.analysis.tables.results import Results
from critlab.learning_tasks.metric import Metric
from critlab.report.chart import Chart, Panel
from critlab.report.charts.encoding import (
    JSON,
    dimmed,
    legend,
    only,
    pick,
    specification,
    tip,
)
from critlab.report.charts.shared.arms import Arm, columns, equal_total_arms, sweep_arms
from critlab.report.charts.shared.direct_labels import Ending, direct_labels
from critlab.report.charts.shared.metric_axis import damage_axis, score_axis
from critlab.report.charts.shared.places import Places
from critlab.report.text.metric_words import MetricWords
from critlab.report.text.names import capital, damage_limits, point_facts, spaced
from critlab.study import Study

MOST_DRAWN = 24
"""How many curves one chart shows; more are neither distinguished nor drawn in reasonable time. The table has all."""

ROOM = 0.05
"""Above and below, as a share of the range."""
ROUNDING = 1e-9
"""Numbers that differ by a smaller part of their size are equal but for rounding."""
LEAST = 0.0005
"""Room around equal numbers."""

FROM_THE_END = 0.05
"""How far from the last place a curve may end, as a share of it, and still be named there."""

HEIGHTS = {"score": 380, "damage": 340}
SMALLEST = "smallest of interest"
ALONE = "95 % t, each point alone"
"""What the intervals of a curve are, for the heads of their columns."""


def sweep_charts(results: Results) -> Iterator[Chart]:
    """The score and the damage along the sweep, as far as there are points."""
    # some curves may have no point yet, or only the control, which the deficit's curve, the first, shows
    origin = results.study.sweep.origin
    arms = [
        arm
        for index, arm in enumerate(sweep_arms(results))
        if any(index == 0 or point.at != origin for point in arm.curve.points)
    ]
    if arms:
        yield _score_chart(results.study, arms)
        yield _damage_chart(results.study, [arms[0], *equal_total_arms(results, arms[0]), *arms[1:]])


def _rows(arms: Sequence[Arm], places: Places) -> list[JSON]:
    rows: list[JSON] = []
    metric = arms[0].curve.metric
    words = MetricWords(metric)
    for index, arm in enumerate(arms):
        for point in arm.curve.points:
            where = {"arm": arm.name, "x": places[point.at] + places.beside(index, len(arms))}
            if index and point.at == arm.curve.sweep.origin:
                continue  # the control itself: drawn once, with the deficit's curve
            means = {metric.name: point.score.value, f"{metric.name}_low": words.not_below(point.score_low)}
            means |= {f"{metric.name}_high": words.not_above(point.score_high)}
            low, high = damage_limits(point)
            means |= {"damage": point.damage.value, "low": low, "high": high}
            rows.append({"part": "point", **where, **means, **point_facts(point, metric)})
            for seed in point.seeds:
                own = {"seed": seed.seed, metric.name: seed.score, "damage": seed.damage}
                rows.append({"part": "seed", **where, "at": str(point.at), **own})
    rows += [_control_row(point, places, words) for point in arms[0].curve.points]
    return rows


def _control_row(point: CurvePoint, places: Places, words: MetricWords) -> JSON:
    clean = point.controls
    return {
        "part": "control",
        "x": places[point.at],
        words.metric.name: clean.mean,
        "low_control": words.not_below(clean.low),
        "high_control": words.not_above(clean.high),
    }


def _control_between(rows: Sequence[JSON], name: str) -> float:
    """The height of the control's line where its label stands."""
    heights = [row[name] for row in sorted(rows, key=lambda row: row["x"]) if row["part"] == "control"]
    return float(sum(heights[-2:]) / len(heights[-2:]))


def _domain(rows: Sequence[JSON], fields: Sequence[str], *others: float) -> list[float]:
    """The range of ``fields`` and ``others`` with some room, so that the axis stays as it is when curves are hidden."""
    found = [float(row[field]) for row in rows for field in fields if row.get(field) is not None]
    low, high = min([*found, *others]), max([*found, *others])
    if high - low <= ROUNDING * max(abs(low), abs(high)):
        return [low - LEAST, high + LEAST]
    room = ROOM * (high - low)
    return [low - room, high + room]


def _panel(
    arms: Sequence[Arm],
    rows: Sequence[JSON],
    layers: Sequence[JSON],
    label: Sequence[JSON],
    y: JSON,
    height: int,
    others: Sequence[Ending],
) -> Panel:
    """The panel with a legend and ``label`` on a horizontal line, or with names at the ends of curves and lines.

    Names stand there where all curves end at the last place.
    """
    last = max(row["x"] for row in rows if row["part"] == "control")
    ends = [
        max((row for row in rows if row["part"] == "point" and row["arm"] == arm.name), key=lambda row: row["x"])
        for arm in arms
    ]
    named = [Ending(arm.name, arm.colour, end["x"], end[y["field"]]) for arm, end in zip(arms, ends, strict=True)]
    direct = None
    if all(one.x >= last - FROM_THE_END * last for one in named):
        edge = max(one.x for one in named)
        where = {"x": layers[-1]["encoding"]["x"], "y": y}
        every = [*named, *(one._replace(x=edge) for one in others)]
        direct = direct_labels(layers, every, where, y["scale"]["domain"], height, "arm")
    spec = specification(rows, [*layers[:-1], *label, layers[-1]])
    return Panel("", spec, max(len(arm.name) for arm in arms), height, direct)


def _marks(arms: Sequence[Arm], rows: Sequence[JSON], places: Places, y: JSON, low: str, high: str) -> list[JSON]:
    """Interval, line and seeds of every arm, then the means of every arm."""
    names, metric = [arm.name for arm in arms], arms[0].curve.metric
    looks = legend("arm", None, names, [arm.colour for arm in arms])
    where = {"x": places.channel, "y": y}
    found: list[JSON] = []
    if any(row.get(low) is not None for row in rows):
        limits = {"x": places.channel, "y": {**y, "field": low}, "y2": {"field": high}, "color": looks["color"]}
        mark = {"type": "rule", "strokeWidth": 1.5}
        valid = {"filter": f"isValid(datum.{low})"}
        opacity = dimmed(0.75)
        found.append({"transform": [*only("point"), valid], "mark": mark, "encoding": {**limits, "opacity": opacity}})
    seed_tip = [tip("arm", "Arm"), tip("at", places.title), tip("seed", "Seed")]
    seeds = {**where, "color": looks["color"], "opacity": dimmed(0.38, 0.04), "tooltip": seed_tip}
    dot = {"type": "point", "filled": True, "size": 14, "xOffset": 6}
    found.append({"transform": only("seed"), "mark": dot, "encoding": seeds})
    found += [_line(arm, places.channel, y) for arm in arms]
    score_tip = tip(f"{metric.name}_text", capital(metric.title))
    mean_tip = [*seed_tip[:2], score_tip, tip("damage_text", "Damage"), tip("n", "n")]
    means = {**where, **looks, "opacity": dimmed(1), "tooltip": mean_tip}
    mark = {"type": "point", "filled": True, "size": 75, "stroke": "$paper", "strokeWidth": 1}
    found.append({"params": [pick("arm")], "transform": only("point"), "mark": mark, "encoding": means})
    return found


def _line(arm: Arm, x: JSON, y: JSON) -> JSON:
    """An arm's line, in a layer of its own: a legend of dashes would merge with that of shapes and spoil it."""
    mark = {"type": "line", "strokeWidth": 2, "color": arm.colour, "strokeDash": list(arm.dash)}
    transform = [*only("point"), {"filter": {"field": "arm", "equal": arm.name}}]
    return {"transform": transform, "mark": mark, "encoding": {"x": x, "y": y, "opacity": dimmed(1)}}


def _score_chart(study: Study, arms: Sequence[Arm]) -> Chart:
    shown = arms[:MOST_DRAWN]
    places, rows = Places(study), _rows(shown, Places(study))
    metric = arms[0].curve.metric
    low, high = f"{metric.name}_low", f"{metric.name}_high"
    domain = _domain(rows, (metric.name, low, high, "low_control", "high_control"))
    y = score_axis(metric.name, metric, f"Final test {metric.title}", domain=domain)
    band = {"y": {**y, "field": "low_control"}, "y2": {"field": "high_control"}}
    interval = {
        "transform": [*only("control"), {"filter": "isValid(datum.low_control)"}],
        "mark": {"type": "area", "color": "$control", "opacity": 0.14},
        "encoding": {"x": places.channel, **band},
    }
    known = any(row["part"] == "control" and row["low_control"] is not None for row in rows)
    control: list[JSON] = [
        *([interval] if known else []),
        {
            "transform": only("control"),
            "mark": {"type": "line", "color": "$control", "strokeDash": [5, 3], "strokeWidth": 1.5},
            "encoding": {"x": places.channel, "y": y},
        },
    ]
    name = "control" if study.background else "clean control"
    label = _label(places, y, _control_between(rows, metric.name), name)
    marks = _marks(shown, rows, places, y, low, high)
    ends = sorted((row for row in rows if row["part"] == "control"), key=lambda row: row["x"])[-1:]
    others = [Ending(name, "$control", row["x"], row[metric.name], picks=False) for row in ends]
    window = study.sweep.words.note
    if study.background:
        window += " All runs, the control too, have the deficits of the background."
    return Chart(
        key=study.sweep.words.chart,
        title=_title(study, f"Final {metric.title}"),
        caption="Means over seeds with the 95 % interval of each point alone; small dots are single seeds. The grey "
        f"band is the clean control.{window}{better(metric)} Hover for numbers; click a name to single it out."
        f"{_left_out(arms)}",
        alt=_alt(study, arms, f"final test {metric.title}"),
        panels=(_panel(shown, rows, [*control, *marks], label, y, HEIGHTS["score"], others),),
        columns=columns(metric),
        rows=tuple(row for arm in arms for row in arm.numbers()),
        interval=ALONE,
        seeds=tuple(values for arm in arms for values in arm.seeds("score")),
    )


def _damage_chart(study: Study, arms: Sequence[Arm]) -> Chart:
    shown = arms[:MOST_DRAWN]
    places, rows = Places(study), _rows(shown, Places(study))
    smallest = study.statistics.smallest_damage
    domain = _domain(rows, ("damage", "low", "high"), 0.0, smallest)
    metric = arms[0].curve.metric
    y = damage_axis("damage", metric, domain=domain)
    lines: list[JSON] = [
        {
            "data": {"values": [{"damage": 0}]},
            "mark": {"type": "rule", "color": "$control", "strokeWidth": 1.5},
            "encoding": {"y": y},
        },
        {
            "data": {"values": [{"damage": smallest}]},
            "mark": {"type": "rule", "color": "$soft", "strokeDash": [2, 3]},
            "encoding": {"y": y},
        },
    ]
    label = _label(places, y, smallest, SMALLEST)
    marks = _marks(shown, rows, places, y, "low", "high")
    others = [Ending(SMALLEST, "$soft", 0.0, smallest, picks=False)]
    return Chart(
        key=study.sweep.words.damage_chart,
        title=study.sweep.words.damage_title,
        caption=f"{_difference(metric)}, paired by seed, with the 95 % t interval of each point alone, from 3 seeds "
        f"on. Above the solid line {_lost(metric)}; the dotted line is the smallest damage of "
        f"interest.{_left_out(arms)}",
        alt=_alt(study, arms, "damage"),
        panels=(_panel(shown, rows, [*lines, *marks], label, y, HEIGHTS["damage"], others),),
        columns=columns(metric),
        rows=tuple(row for arm in arms for row in arm.numbers()),
        interval=ALONE,
        seeds=tuple(values for arm in arms for values in arm.seeds("damage")),
    )


def _label(places: Places, y: JSON, height: float, words: str) -> list[JSON]:
    """A label on a horizontal line; a rim in the colour of the paper keeps every other line out of its letters."""
    encoding = {"x": places.channel, "y": y, "text": {"value": words}}
    rim = {"type": "text", "dy": -8, "stroke": "$paper", "strokeWidth": 5, "strokeJoin": "round", "color": "$paper"}
    letters = {"type": "text", "dy": -8, "color": "$soft"}
    data = {"values": [{"x": places.between, y["field"]: height}]}
    return [{"data": data, "mark": mark, "encoding": encoding} for mark in (rim, letters)]


def better(metric: Metric) -> str:
    """Says that lower values are better, where they are; empty elsewhere, as a reader expects it."""
    return " Lower is better." if metric.better == "lower" else ""


def _difference(metric: Metric) -> str:
    return "Clean control minus run" if metric.better == "higher" else "Run minus clean control"


def _lost(metric: Metric) -> str:
    return f"{metric.title} was lost" if metric.better == "higher" else f"{metric.title} is higher"


def _title(study: Study, what: str) -> str:
    return f"{what}, by {study.sweep.words.by}"


def _left_out(arms: Sequence[Arm]) -> str:
    if len(arms) <= MOST_DRAWN:
        return ""
    return f" The chart shows the first {MOST_DRAWN} of {len(arms):,} curves; the table has all."


def _alt(study: Study, arms: Sequence[Arm], what: str) -> str:
    others = ", ".join(arm.name for arm in arms[1:MOST_DRAWN])
    beside = f", with {others}" if others else ""
    deficit = spaced(study.treatment_label)
    return f"Chart of {what} against the epoch of the sweep for {deficit}{beside}. The numbers follow in a table."
