"""The study's curve: final accuracy and damage at every point of the sweep, with its controls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from critlab.analysis.curve import CURVE_ROLES, Curve, CurvePoint, equal_total_curve
from critlab.analysis.statistics import summarise
from critlab.analysis.tables.results import Results
from critlab.report.chart import Cell, Chart, Panel
from critlab.report.charts.encoding import (
    JSON,
    dimmed,
    hundredths,
    legend,
    only,
    pick,
    quantity,
    specification,
    tip,
)
from critlab.report.text.names import arm_label, arms_in_words, place_title, point_facts, spaced
from critlab.study import Study

LOOKS: dict[str, tuple[tuple[str, ...], tuple[int, ...]]] = {
    "deficit": (("$deficit",), (1, 0)),
    "negative_control": (("$negative", "$late6", "$late20", "$deep6"), (6, 3)),
    "clock_control": (("$clock", "$late2", "$deep6"), (2, 3)),
    "intervention_control": (("$late20", "$negative", "$late6"), (8, 3, 2, 3)),
}
"""Colours, used in turn, and line style of a curve, by the role of its runs."""

MOST_DRAWN = 24
"""How many curves one chart shows; more are neither distinguished nor drawn in reasonable time. The table has all."""

BESIDE, WIDEST = 0.009, 0.6
"""How far curves are moved aside: of the axis, and at most of the gap between two points for all curves together."""

COLUMNS = ("arm", "at", "n", "accuracy", "accuracy_low", "accuracy_high", "control", "damage", "low", "high")


@dataclass(frozen=True)
class _Arm:
    name: str
    colour: str
    dash: tuple[int, ...]
    curve: Curve
    column: str = ""

    def numbers(self) -> Iterator[tuple[Cell, ...]]:
        """Its rows in the table of a chart; ``column`` stands for the arm where that is not the arm's own name."""
        for row in self.curve.rows():
            named = {**row, "arm": self.column or row["arm"]}
            named |= {"accuracy_low": _not_below_0(row.get("accuracy_low"))}
            named |= {"accuracy_high": _not_above_1(row.get("accuracy_high"))}
            yield tuple(named.get(column) for column in COLUMNS)

    def seeds(self, value: Literal["accuracy", "damage"]) -> Iterator[dict[int, float]]:
        """The value of each seed, for each row of :meth:`numbers`."""
        known = {point.at: {one.seed: float(getattr(one, value)) for one in point.seeds} for point in self.curve}
        yield from (known.get(row["at"], {}) for row in self.curve.rows())


class _Places:
    """Where the points of a sweep stand on the axis; ``"never"`` stands one step after the last."""

    def __init__(self, study: Study) -> None:
        numbers = [at for at in study.sweep.points if isinstance(at, int)]
        origin = study.sweep.origin
        self.numbers = sorted({*numbers, *([origin] if isinstance(origin, int) else [])})
        last = self.numbers[-1] if self.numbers else 0
        step = last - self.numbers[-2] if len(self.numbers) > 1 else max(1, last)
        self.never = last + step
        self.has_never = "never" in study.sweep.points
        self.title = place_title(study)

    def __getitem__(self, at: int | str) -> int:
        return self.never if at == "never" else int(at)

    def beside(self, place: int, of: int) -> float:
        """How far the curve ``place`` of ``of`` is moved aside, so that no interval covers another one."""
        shown = [*self.numbers, *([self.never] if self.has_never else [])]
        gap = min((b - a for a, b in pairwise(shown)), default=1)
        step = min(BESIDE * (shown[-1] - shown[0]), WIDEST * gap / max(of, 1)) if len(shown) > 1 else 0.0
        # the first curve stands at its points; the others alternate to its right and left
        return step * ((place + 1) // 2) * (1 if place % 2 else -1)

    @property
    def between(self) -> float:
        """Half-way between the last two places, where no interval stands in the way of a label."""
        shown = [*self.numbers, *([self.never] if self.has_never else [])]
        return sum(shown[-2:]) / len(shown[-2:])

    @property
    def channel(self) -> JSON:
        """The horizontal channel."""
        shown = [*self.numbers, *([self.never] if self.has_never else [])]
        axis: JSON = {"tickCount": 8}
        if len(shown) <= 12:
            axis = {"values": shown, "labelOverlap": "greedy"}
        if self.has_never:
            axis["labelExpr"] = f"datum.value === {self.never} ? 'never' : datum.label"
        return quantity("x", self.title, axis=axis, scale={"zero": False, "nice": False, "padding": 14})


def sweep_charts(results: Results) -> Iterator[Chart]:
    """The accuracy and the damage along the sweep, as far as there are points."""
    arms = _arms(results)
    if any(arm.curve.points for arm in arms):
        yield _accuracy_chart(results.study, arms)
        yield _damage_chart(results.study, [arms[0], *_equal_total(results, arms[0]), *arms[1:]])


def _equal_total(results: Results, main: _Arm) -> Iterator[_Arm]:
    """The deficit's curve against clean runs of equal length, where these were trained."""
    curve = equal_total_curve(results)
    if curve is not None and curve.tested:
        name = f"{main.name}, against clean runs of equal length"
        yield _Arm(name, "$ink", (10, 4), curve, name)


def _arms(results: Results) -> list[_Arm]:
    """The deficit's curve first, then negative controls, other clocks and interventions."""
    study = results.study
    names = dict.fromkeys((run.arm, run.role) for run in study.runs if run.role in CURVE_ROLES)
    words = arms_in_words(study)
    found: list[_Arm] = []
    for arm, role in sorted(names, key=lambda name: CURVE_ROLES.index(name[1])):
        curve = results.curve(arm)
        colours, dashes = LOOKS[role]
        taken = sum(other.dash == dashes for other in found)
        found.append(_Arm(arm_label(study, curve, role, words), colours[taken % len(colours)], dashes, curve))
    return found


def _rows(arms: Sequence[_Arm], places: _Places) -> list[JSON]:
    rows: list[JSON] = []
    for index, arm in enumerate(arms):
        for point in arm.curve.points:
            where = {"arm": arm.name, "x": places[point.at] + places.beside(index, len(arms))}
            if index and point.at == arm.curve.sweep.origin:
                continue  # the control itself: drawn once, with the deficit's curve
            means = {"accuracy": point.accuracy.value, "accuracy_low": _not_below_0(point.accuracy_low)}
            means |= {"accuracy_high": _not_above_1(point.accuracy_high)}
            means |= {"damage": point.damage.value, "low": point.low}
            rows.append({"part": "point", **where, **means, "high": point.high, **point_facts(point)})
            for seed in point.seeds:
                own = {"seed": seed.seed, "accuracy": seed.accuracy, "damage": seed.damage}
                rows.append({"part": "seed", **where, "at": str(point.at), **own})
    rows += [_control_row(point, places) for point in arms[0].curve.points]
    return rows


def _not_below_0(limit: float | None) -> float | None:
    return None if limit is None else max(limit, 0.0)


def _not_above_1(limit: float | None) -> float | None:
    return None if limit is None else min(limit, 1.0)


def _control_row(point: CurvePoint, places: _Places) -> JSON:
    clean = summarise([seed.control for seed in point.seeds])
    return {
        "part": "control",
        "x": places[point.at],
        "accuracy": clean.mean,
        "low": _not_below_0(clean.low),
        "high": _not_above_1(clean.high),
    }


def _control_between(rows: Sequence[JSON]) -> float:
    """The height of the control's line where its label stands."""
    heights = [row["accuracy"] for row in sorted(rows, key=lambda row: row["x"]) if row["part"] == "control"]
    return float(sum(heights[-2:]) / len(heights[-2:]))


def _marks(arms: Sequence[_Arm], places: _Places, y: JSON, low: str, high: str, label: Sequence[JSON]) -> list[JSON]:
    """Interval, line and seeds of every arm, then the label of a horizontal line, then the means of every arm."""
    names = [arm.name for arm in arms]
    looks = legend("arm", None, names, [arm.colour for arm in arms])
    where = {"x": places.channel, "y": y}
    found: list[JSON] = []
    if any(point.n > 1 for arm in arms for point in arm.curve.points):
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
    mean_tip = [seed_tip[0], seed_tip[1], tip("accuracy_text", "Accuracy"), tip("damage_text", "Damage"), tip("n", "n")]
    means = {**where, **looks, "opacity": dimmed(1), "tooltip": mean_tip}
    mark = {"type": "point", "filled": True, "size": 75, "stroke": "$paper", "strokeWidth": 1}
    found += label
    found.append({"params": [pick("arm")], "transform": only("point"), "mark": mark, "encoding": means})
    return found


def _line(arm: _Arm, x: JSON, y: JSON) -> JSON:
    """An arm's line, in a layer of its own: a legend of dashes would merge with that of shapes and spoil it."""
    mark = {"type": "line", "strokeWidth": 2, "color": arm.colour, "strokeDash": list(arm.dash)}
    transform = [*only("point"), {"filter": {"field": "arm", "equal": arm.name}}]
    return {"transform": transform, "mark": mark, "encoding": {"x": x, "y": y, "opacity": dimmed(1)}}


def _accuracy_chart(study: Study, arms: Sequence[_Arm]) -> Chart:
    shown = arms[:MOST_DRAWN]
    places, rows = _Places(study), _rows(shown, _Places(study))
    y = hundredths("accuracy", "Final test accuracy (%)")
    band = {"y": {**y, "field": "low"}, "y2": {"field": "high"}}
    interval = {
        "transform": [*only("control"), {"filter": "isValid(datum.low)"}],
        "mark": {"type": "area", "color": "$control", "opacity": 0.14},
        "encoding": {"x": places.channel, **band},
    }
    known = any(row["part"] == "control" and row["low"] is not None for row in rows)
    control: list[JSON] = [
        *([interval] if known else []),
        {
            "transform": only("control"),
            "mark": {"type": "line", "color": "$control", "strokeDash": [5, 3], "strokeWidth": 1.5},
            "encoding": {"x": places.channel, "y": y},
        },
    ]
    label = _label(places, y, _control_between(rows), "control" if study.background else "clean control")
    spec = specification(rows, [*control, *_marks(shown, places, y, "accuracy_low", "accuracy_high", label)])
    window = study.sweep.words.note
    if study.background:
        window += " All runs, the control too, have the deficits of the background."
    return Chart(
        key=study.sweep.words.chart,
        title=_title(study, "Final accuracy"),
        caption="Means over seeds with 95 % intervals; small dots are single seeds. The grey band is the clean "
        f"control.{window} Hover for numbers; click a name below to single it out.{_left_out(arms)}",
        alt=_alt(study, arms, "final test accuracy"),
        panels=(Panel("", spec, max(len(arm.name) for arm in shown), 380),),
        columns=COLUMNS,
        rows=tuple(row for arm in arms for row in arm.numbers()),
        interval="95 % t",
        seeds=tuple(values for arm in arms for values in arm.seeds("accuracy")),
    )


def _damage_chart(study: Study, arms: Sequence[_Arm]) -> Chart:
    shown = arms[:MOST_DRAWN]
    places, rows = _Places(study), _rows(shown, _Places(study))
    y = hundredths("damage", "Damage (percentage points of accuracy)")
    smallest = study.statistics.smallest_damage
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
    label = _label(places, y, smallest, "smallest of interest")
    spec = specification(rows, [*lines, *_marks(shown, places, y, "low", "high", label)])
    return Chart(
        key=study.sweep.words.damage_chart,
        title=study.sweep.words.damage_title,
        caption="Clean control minus run, paired by seed, with the 95 % t interval of each point alone. Above the "
        f"solid line accuracy was lost; the dotted line is the smallest damage of interest.{_left_out(arms)}",
        alt=_alt(study, arms, "damage"),
        panels=(Panel("", spec, max(len(arm.name) for arm in shown), 340),),
        columns=COLUMNS,
        rows=tuple(row for arm in arms for row in arm.numbers()),
        interval="95 % t",
        seeds=tuple(values for arm in arms for values in arm.seeds("damage")),
    )


def _label(places: _Places, y: JSON, height: float, words: str) -> list[JSON]:
    """A label on a horizontal line; a rim in the colour of the paper keeps every other line out of its letters."""
    encoding = {"x": places.channel, "y": y, "text": {"value": words}}
    rim = {"type": "text", "dy": -8, "stroke": "$paper", "strokeWidth": 5, "strokeJoin": "round", "color": "$paper"}
    letters = {"type": "text", "dy": -8, "color": "$soft"}
    data = {"values": [{"x": places.between, y["field"]: height}]}
    return [{"data": data, "mark": mark, "encoding": encoding} for mark in (rim, letters)]


def _title(study: Study, what: str) -> str:
    return f"{what}, by {study.sweep.words.by}"


def _left_out(arms: Sequence[_Arm]) -> str:
    if len(arms) <= MOST_DRAWN:
        return ""
    return f" The chart shows the first {MOST_DRAWN} of {len(arms):,} curves; the table has all."


def _alt(study: Study, arms: Sequence[_Arm], what: str) -> str:
    others = ", ".join(arm.name for arm in arms[1:MOST_DRAWN])
    beside = f", with {others}" if others else ""
    deficit = spaced(study.treatment_label)
    return f"Chart of {what} against the epoch of the sweep for {deficit}{beside}. The numbers follow in a table."
