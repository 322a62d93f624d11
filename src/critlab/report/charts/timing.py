"""A metric against the time of a switch: the smoothed curve, the plateau shaded, the present time marked."""

from __future__ import annotations

from collections.abc import Iterator

from critlab.analysis.tables.results import Results
from critlab.analysis.timing.answer import Timing
from critlab.report.chart import Chart, Panel
from critlab.report.charts.encoding import HUNDREDTHS, JSON, quantity, tip
from critlab.report.charts.kit import INTERVAL, chart, layer, layered
from critlab.report.text.timing.study_timing import timing_words
from critlab.report.text.timing.timing import TimingWords

KEY = "switch_times"


def study_timing_charts(results: Results) -> Iterator[Chart]:
    """The chart of a study whose sweep asks when to switch; none of another study."""
    found = results.timing() if results.study.sweep.asks_when else None
    if found is not None:
        yield timing_chart(found.timing, timing_words(results.study, found))


def timing_chart(timing: Timing, words: TimingWords, key: str = KEY) -> Chart:
    """The chart of one metric, with all its numbers as the table."""
    rows = [_row(timing, place) for place in range(len(timing.points))]
    title = f"{words.title} by the time of {words.switch}"
    never = "" if timing.never is None else f" {timing.never.epoch} stands for never."
    present = "" if timing.present is None else " The dashed line is the present time."
    better = "Higher" if timing.goal == "max" else "Lower"
    caption = f"The line is smoothed over neighbouring times. {_intervals_and_plateau(timing, better)}{present}{never}"
    alt = f"Chart of {words.metric} against the time of {words.switch}. The numbers follow in a table."
    return chart(key, title, caption, alt, [Panel("", _specification(timing, words, rows))], rows)


def _intervals_and_plateau(timing: Timing, better: str) -> str:
    if timing.reason:
        return f"Points have runs, without intervals, because times cannot be compared. {better} is better."
    plateau = "The plateau is shaded." if timing.plateaus else "No plateau is found."
    limits = "Points have runs, with 95 % intervals relative to the mean of the curve."
    return f"{limits} {better} is better. {plateau}"


def _row(timing: Timing, place: int) -> JSON:
    point = timing.points[place]
    inside = timing.on_plateau(point.epoch)
    return {
        "time": point.epoch,
        "seeds": point.seeds,
        "value": point.value,
        "low": point.low,
        "high": point.high,
        "worse than the best by": point.deficit,
        "at most": point.deficit_high,
        "plateau": "not known" if inside is None else "yes" if inside else "no",
        "found worse": "not known" if timing.reason else "yes" if point.worse else "no",
    }


def _specification(timing: Timing, words: TimingWords, rows: list[JSON]) -> JSON:
    x = quantity("time", f"Time of {words.switch} ({words.step}s)", scale={"nice": False, "padding": 12})
    axis: JSON = {"axis": {"labelExpr": HUNDREDTHS, "tickCount": 6}} if words.fraction else {}
    unit = " (points)" if words.fraction else f" ({words.unit})" if words.unit else ""
    y = quantity("value", f"{words.title}{unit}", scale={"zero": False}, **axis)
    half = 0.004 * (timing.points[-1].epoch - timing.points[0].epoch)
    shades = [{"time": one.low - half, "until": one.high + half} for one in timing.plateaus]
    tried = "datum.seeds > 0"
    shown = [tip("time", "Time"), tip("value", "Value"), tip("seeds", "Seeds"), tip("plateau", "On the plateau")]
    layers = [
        layer({"type": "line", "strokeWidth": 2, "color": "$deficit"}, {"x": x, "y": y}),
        layer(
            {"type": "point", "filled": True, "size": 60, "color": "$deficit"},
            {"x": x, "y": y, "tooltip": shown},
            tried,
        ),
    ]
    # Vega warns of the scale of a layer without rows
    if any(row["low"] is not None and row["seeds"] for row in rows):
        rule = {"type": "rule", "color": "$deficit", "opacity": 0.6}
        layers.insert(1, layer(rule, _limits(x, y), f"{tried} && {INTERVAL}"))
    if shades:
        rect = {"type": "rect", "opacity": 0.18, "color": "$negative"}
        layers.insert(0, layer(rect, {"x": x, "x2": {"field": "until"}}, rows=shades))
    if timing.present is not None:
        mark = {"type": "rule", "strokeDash": [5, 4], "strokeWidth": 1.5, "color": "$ink"}
        layers.append(layer(mark, {"x": x}, rows=[{"time": timing.present.epoch}]))
    return layered(rows, *layers)


def _limits(x: JSON, y: JSON) -> JSON:
    return {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}}
