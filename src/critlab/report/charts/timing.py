"""A metric against the time of a switch: the smoothed curve, the plateau shaded, the present time marked."""

from __future__ import annotations

from collections.abc import Iterator

from critlab.analysis.tables.results import Results
from critlab.analysis.timing.answer import Timing
from critlab.report.chart import Chart, Panel
from critlab.report.charts.encoding import HUNDREDTHS, JSON, quantity, tip
from critlab.report.charts.kit import chart, layer, layered
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
    caption = (
        "The line is smoothed over neighbouring times. Points have runs, with 95 % intervals relative to the mean of "
        f"the curve. {better} is better. The plateau is shaded.{present}{never}"
    )
    alt = f"Chart of {words.metric} against the time of {words.switch}. The numbers follow in a table."
    return chart(key, title, caption, alt, [Panel("", _specification(timing, words, rows))], rows)


def _row(timing: Timing, place: int) -> JSON:
    point = timing.points[place]
    inside = any(one.low <= point.epoch <= one.high for one in (timing.plateau, *timing.also))
    return {
        "time": point.epoch,
        "seeds": point.seeds,
        "value": point.value,
        "low": point.low,
        "high": point.high,
        "worse than the best by": point.deficit,
        "at most": point.deficit_high,
        "plateau": "yes" if inside else "no",
        "found worse": "yes" if point.worse else "no",
    }


def _specification(timing: Timing, words: TimingWords, rows: list[JSON]) -> JSON:
    x = quantity("time", f"Time of {words.switch} ({words.step}s)", scale={"nice": False, "padding": 12})
    axis: JSON = {"axis": {"labelExpr": HUNDREDTHS, "tickCount": 6}} if words.fraction else {}
    unit = " (points)" if words.fraction else f" ({words.unit})" if words.unit else ""
    y = quantity("value", f"{words.title}{unit}", scale={"zero": False}, **axis)
    half = 0.004 * (timing.points[-1].epoch - timing.points[0].epoch)
    shades = [{"time": one.low - half, "until": one.high + half} for one in sorted((timing.plateau, *timing.also))]
    tried = "datum.seeds > 0"
    shown = [tip("time", "Time"), tip("value", "Value"), tip("seeds", "Seeds"), tip("plateau", "On the plateau")]
    layers = [
        layer({"type": "rect", "opacity": 0.18, "color": "$negative"}, {"x": x, "x2": {"field": "until"}}, rows=shades),
        layer({"type": "line", "strokeWidth": 2, "color": "$deficit"}, {"x": x, "y": y}),
        layer({"type": "rule", "color": "$deficit", "opacity": 0.6}, _limits(x, y), tried),
        layer(
            {"type": "point", "filled": True, "size": 60, "color": "$deficit"},
            {"x": x, "y": y, "tooltip": shown},
            tried,
        ),
    ]
    if timing.present is not None:
        mark = {"type": "rule", "strokeDash": [5, 4], "strokeWidth": 1.5, "color": "$ink"}
        layers.append(layer(mark, {"x": x}, rows=[{"time": timing.present.epoch}]))
    return layered(rows, *layers)


def _limits(x: JSON, y: JSON) -> JSON:
    return {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}}
