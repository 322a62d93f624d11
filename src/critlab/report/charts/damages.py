"""The named damages of a study: one row each, with the interval that decides."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from critlab.analysis.confounds.negative_control import NegativeControl
from critlab.analysis.judgement.damages import Damage
from critlab.analysis.judgement.verdict import Verdict
from critlab.analysis.tables.results import Results
from critlab.report.chart import Cell, Chart, Panel
from critlab.report.charts.encoding import JSON, only, quantity, specification, tip
from critlab.report.charts.shared.metric_axis import grid_axis
from critlab.report.text.judgement.confounds import confound_names, confound_text
from critlab.report.text.judgement.damages import damage_meaning, damage_name, damage_place, damage_value
from critlab.report.text.metric_words import MetricWords
from critlab.report.text.names import arm_words, capital
from critlab.report.text.numbers import probability
from critlab.study import Study

KEY = "named_damages"
"""The chart's key, by which the page finds it."""

LETTERS = 24
"""Of a line of a label."""

MOST_DRAWN = 24
"""How many rows the chart shows; the table has all."""

COLUMNS = ("damage", "at", "n", "estimate", "low", "high", "adjusted p", "decides", "meaning")
KINDS = {
    "lasting": ("lasting damage", "$deficit"),
    "critical": ("a critical period", "$clock"),
    "equal_total": ("longer training", "$late2"),
    "context": ("nothing by itself", "$control"),
}
"""What a damage decides, in words, and its colour."""

EXPLAINS = ("another explanation", "$late6")
DIAMONDS = (
    " Diamonds are what other explanations cost by themselves; the text above says which share of the damage each "
    "accounts for."
)


def damage_charts(results: Results) -> Iterator[Chart]:
    """One chart of the named damages; none where no seed has one."""
    verdict = results.verdict()
    known = [one for one in verdict.damages if one.seeds]
    if known:
        yield _chart(verdict, known, _explanations(verdict, results.study))


def _chart(verdict: Verdict, damages: Sequence[Damage], explanations: Sequence[JSON]) -> Chart:
    drawn = damages[:MOST_DRAWN]
    labels = [_in_lines(_label(one, verdict)) for one in drawn]
    lines = sum(label.count("\n") + 1 for label in (*labels, *(row["label"] for row in explanations)))
    height = 40 + 14 * lines + 12 * (len(drawn) + len(explanations))
    more = "" if len(drawn) == len(damages) else f" The chart shows the first {MOST_DRAWN} of {len(damages):,}."
    alone, diamonds = (", those of diamonds each alone", DIAMONDS) if explanations else ("", "")
    return Chart(
        key=KEY,
        title="Damages and other explanations",
        caption=f"Each row is a difference of final {MetricWords(verdict.metric).scores}, paired by seed. The 95 % "
        f"intervals of one colour hold simultaneously{alone}. The dotted line is the smallest damage of interest."
        f"{diamonds}{more}",
        alt="Chart of the named damages with their intervals. The numbers follow in a table.",
        panels=(Panel("", _specification(verdict, drawn, labels, explanations), 24, height),),
        columns=COLUMNS,
        rows=tuple(_cells(verdict, one) for one in damages),
        interval="95 % t, simultaneous within a kind",
        test="one-sided t test of each damage against the smallest damage of interest, adjusted over its kind",
        seeds=tuple(one.seeds for one in damages),
    )


def _in_lines(label: str) -> str:
    """A label of a row in short lines, which leave a plot room on a phone."""
    parts = label.split(", epoch", 1)
    texts = [parts[0], *(f"epoch{rest}" for rest in parts[1:])]
    return "\n".join(line for text in texts for line in textwrap.wrap(text, LETTERS, break_long_words=False))


def _label(damage: Damage, verdict: Verdict) -> str:
    place = f"epoch {damage.at}" if damage.other is None else f"epochs {damage.at} and {damage.other}"
    return f"{damage_name(damage)}, {place}"


def _cells(verdict: Verdict, damage: Damage) -> tuple[Cell, ...]:
    at = damage_place(damage, verdict.sweep)
    numbers = (damage.n, damage.estimate, damage.low, damage.high)
    return (
        damage_name(damage),
        at,
        *numbers,
        damage.adjusted_p,
        KINDS[damage.kind][0],
        damage_meaning(damage, verdict.arm, verdict.metric),
    )


def _specification(verdict: Verdict, damages: Sequence[Damage], labels: Sequence[str], others: Sequence[JSON]) -> JSON:
    rows: list[JSON] = []
    for damage, label in zip(damages, labels, strict=True):
        said = "–" if damage.adjusted_p is None else probability(damage.adjusted_p)
        facts = {
            "value": damage_value(damage, verdict.metric),
            "p": said,
            "meaning": damage_meaning(damage, verdict.arm, verdict.metric),
        }
        where = {"label": label, "at": str(damage.at), "decides": KINDS[damage.kind][0]}
        limits = {"estimate": damage.estimate, "low": damage.low, "high": damage.high}
        rows.append({"part": "damage", **where, **limits, **facts})
        rows += [{"part": "seed", **where, "estimate": value, "seed": seed} for seed, value in damage.seeds.items()]
    rows += others
    labels = [*labels, *(row["label"] for row in others)]
    x = quantity("estimate", capital(MetricWords(verdict.metric).of), axis=grid_axis(verdict.metric))
    y: JSON = {"field": "label", "type": "nominal", "title": None, "sort": list(labels)}
    y["axis"] = {"labelLimit": 260, "domain": False, "ticks": False, "labelExpr": "split(datum.label, '\\n')"}
    colours = [KINDS[kind] for kind in KINDS if any(one.kind == kind for one in damages)]
    colours += [EXPLAINS] if others else []
    scale = {"domain": [words for words, _ in colours], "range": [colour for _, colour in colours]}
    colour = {"field": "decides", "type": "nominal", "title": "Decides about", "scale": scale}
    shown = [tip("label", "Damage"), tip("value", "Value"), tip("p", "Adjusted p"), tip("meaning", "Meaning")]
    return specification(
        rows,
        [
            *_lines(verdict, x),
            *_intervals("damage", rows, x, y, colour),
            {
                "transform": only("seed"),
                "mark": {"type": "point", "filled": True, "size": 14, "yOffset": 6, "opacity": 0.4},
                "encoding": {"y": y, "x": x, "color": colour, "tooltip": [tip("label", "Damage"), tip("seed", "Seed")]},
            },
            {
                "transform": only("damage"),
                "mark": {"type": "point", "filled": True, "size": 75, "stroke": "$paper", "strokeWidth": 1},
                "encoding": {"y": y, "x": x, "color": colour, "tooltip": shown},
            },
            *_intervals("explanation", rows, x, y, colour),
            *([_diamonds(x, y, colour)] if others else ()),
        ],
    )


def _explanations(verdict: Verdict, study: Study) -> list[JSON]:
    """A row for each other explanation whose effect was measured and is not a row of its own, with its sentence."""
    rows: list[JSON] = []
    drawn = {(one.name, one.at) for one in verdict.damages if one.seeds}
    for one, name in zip(verdict.confounds, confound_names(verdict), strict=True):
        if one.effect is None or any((one.name, at) in drawn for at in one.at):
            continue
        name = f"control {arm_words(study, one.arm)}" if isinstance(one, NegativeControl) else name
        limits = {"estimate": one.effect.mean, "low": one.effect.low, "high": one.effect.high}
        facts = {"value": MetricWords(verdict.metric).result(one.effect), "meaning": confound_text(verdict, one)}
        rows.append({"part": "explanation", "label": _in_lines(name), "decides": EXPLAINS[0], **limits, **facts})
    return rows


def _intervals(part: str, rows: Sequence[JSON], x: JSON, y: JSON, colour: JSON) -> Iterator[JSON]:
    """The layer of the intervals of that part; none where none is known: an axis of nothing has no range."""
    if any(row["part"] == part and row["low"] is not None for row in rows):
        yield {
            "transform": [*only(part), {"filter": "isValid(datum.low)"}],
            "mark": {"type": "rule", "strokeWidth": 2},
            "encoding": {"y": y, "x": {**x, "field": "low"}, "x2": {"field": "high"}, "color": colour},
        }


def _diamonds(x: JSON, y: JSON, colour: JSON) -> JSON:
    """The effect of each other explanation."""
    shown = [tip("label", "Explanation"), tip("value", "Effect"), tip("meaning", "Meaning")]
    diamond = {"type": "point", "filled": True, "shape": "diamond", "size": 90, "stroke": "$paper", "strokeWidth": 1}
    return {
        "transform": only("explanation"),
        "mark": diamond,
        "encoding": {"y": y, "x": x, "color": colour, "tooltip": shown},
    }


def _lines(verdict: Verdict, x: JSON) -> list[JSON]:
    """Zero, and the smallest damage of interest."""
    marks: list[tuple[float, JSON]] = [
        (0.0, {"type": "rule", "color": "$control", "strokeWidth": 1.5}),
        (verdict.smallest_damage, {"type": "rule", "color": "$soft", "strokeDash": [2, 3]}),
    ]
    return [{"data": {"values": [{"estimate": at}]}, "mark": mark, "encoding": {"x": x}} for at, mark in marks]
