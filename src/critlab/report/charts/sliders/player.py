"""A playground of the sweep: drag its point, and see the training and the damage that were recorded there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from critlab.analysis.curve import Curve
from critlab.analysis.tables.results import Results
from critlab.report.chart import Chart, Panel
from critlab.report.charts.encoding import JSON, only, quantity, specification
from critlab.report.charts.moments import Moment, moments
from critlab.report.charts.shared.metric_axis import damage_axis, score_axis
from critlab.report.charts.shared.places import Places
from critlab.report.charts.sliders.slider import only_chosen, point_slider, with_slider
from critlab.report.text.metric_words import MetricWords
from critlab.report.text.names import damage_limits, damage_text
from critlab.study import Study

LEAST = 3
"""Points with results that a slider is worth."""

RIM: JSON = {"color": "$paper", "stroke": "$paper", "strokeWidth": 6, "strokeJoin": "round"}
"""Keeps lines out of letters."""
INK: JSON = {"color": "$ink"}

COLUMNS = ("at", "n", "damage", "low", "high")


def player_charts(results: Results) -> Iterator[Chart]:
    """One chart of two panels; none with fewer than :data:`LEAST` points, or where nothing is removed."""
    curve, study = results.curve(), results.study
    title = f"Test {curve.metric.title}"
    tested = moments(results).get(curve.metric.test, {}).get("", [])
    by_point = {str(m.run.at): m.run for m in tested if not m.run.clean}
    known = [point for point in curve.points if str(point.at) in by_point]
    if study.sweep.asks_when or len(known) < LEAST:
        return
    at = [point.at for point in known]
    slider = point_slider(study, at, max(range(len(known)), key=lambda index: known[index].damage.value))
    places = Places(study)
    yield Chart(
        key="player",
        title=f"Move the {study.sweep.words.point}",
        caption=f"Drag the slider, or the pointer over the left plot, to a {study.sweep.words.point} that was trained. "
        f"Right: mean test {curve.metric.title} of that run in colour, of the clean run in grey; shaded are the epochs "
        "with the deficit.",
        alt="Two linked plots: damage along the sweep, and the learning curve at one of its points.",
        panels=(
            Panel(
                "Damage",
                with_slider(_damage(curve, places), slider),
                10,
                300,
                places=tuple(float(places[place]) for place in at),
            ),
            Panel(title, with_slider(_training(study, tested, MetricWords(curve.metric), title), slider), 10, 300),
        ),
        columns=COLUMNS,
        rows=tuple((point.at, point.n, point.damage.value, *damage_limits(point)) for point in known),
        interval="95 % t",
        slider=slider,
        for_paper=False,
    )


def _damage(curve: Curve, places: Places) -> JSON:
    rows: list[JSON] = [
        {
            "part": "point",
            "place": str(point.at),
            "x": places[point.at],
            "damage": point.damage.value,
            "low": damage_limits(point)[0],
            "high": damage_limits(point)[1],
            "text": damage_text(point, curve.metric),
        }
        for point in curve.points
    ]
    ends = [row[key] for row in rows for key in ("damage", "low", "high") if row[key] is not None]
    low, high = min(0.0, *ends), max(0.0, *ends)
    room = (high - low) or 0.01
    scale = {"domain": [low - 0.05 * room, high + 0.18 * room], "nice": False}
    y = damage_axis("damage", curve.metric, **scale)
    x = places.channel
    limits: JSON = {
        "transform": [*only_chosen("point"), {"filter": "isValid(datum.low)"}],
        "mark": {"type": "rule", "strokeWidth": 2, "color": "$deficit"},
        "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}},
    }
    return specification(
        rows,
        [
            {
                "transform": only_chosen("point"),
                "mark": {"type": "rule", "color": "$soft", "strokeDash": [3, 3]},
                "encoding": {"x": x},
            },
            {"transform": only("point"), "mark": _line("$deficit", 1.5), "encoding": {"x": x, "y": y}},
            *([limits] if any(row["low"] is not None for row in rows) else []),
            {
                "transform": only("point"),
                "mark": {"type": "point", "filled": True, "size": 40, "opacity": 1, "color": "$deficit"},
                "encoding": {"x": x, "y": y},
            },
            {
                "transform": only_chosen("point"),
                "mark": {
                    "type": "point",
                    "filled": True,
                    "size": 160,
                    "opacity": 1,
                    "color": "$deficit",
                    "stroke": "$paper",
                },
                "encoding": {"x": x, "y": y},
            },
            *map(_number, (RIM, INK)),
        ],
    )


def _number(look: JSON) -> JSON:
    """The damage at the chosen point, in words."""
    text: JSON = {"type": "text", "align": "left", "fontWeight": 600}
    where = {"x": {"value": 4}, "y": {"value": 9}, "text": {"field": "text"}}
    return {"transform": only_chosen("point"), "mark": {**text, **look}, "encoding": where}


def _training(study: Study, tested: Sequence[Moment], words: MetricWords, title: str) -> JSON:
    rows: list[JSON] = []
    last: Mapping[str, Moment] = {str(m.run.at) if not m.run.clean else "": m for m in tested}
    for m in tested:
        where = {} if m.run.clean else {"at": str(m.run.at)}
        rows.append({"part": "clean" if m.run.clean else "run", **where, "epoch": m.epoch, "mean": m.mean})
    for place, m in last.items():
        if place:
            window = {"start": m.run.window.start, "stop": m.run.window.stop}
            rows.append({"part": "window", "at": place, **window})
            rows.append({"part": "end", "at": place, "epoch": m.epoch, "mean": m.mean, "text": words.level(m.mean)})
    means = [row["mean"] for row in rows if "mean" in row]
    room = (max(means) - min(means)) or 0.01
    scale = {"domain": [min(means) - 0.04 * room, max(means) + 0.1 * room], "nice": False}
    y = score_axis("mean", words.metric, title, **scale)
    epochs = [run.total for run in study.runs if run.role in ("deficit", "control")]
    along = {"domain": [0, max(epochs)], "nice": False, "padding": 6}
    x = quantity("epoch", "Epoch", scale=along, axis={"tickMinStep": 1, "tickCount": 6})
    shade = {"type": "rect", "color": "$deficit", "opacity": 0.12}
    return specification(
        rows,
        [
            {
                "transform": only("window"),
                "mark": shade,
                "encoding": {"x": {**x, "field": "start"}, "x2": {"field": "stop"}},
            },
            {"transform": only("clean"), "mark": _line("$control", 1.5), "encoding": {"x": x, "y": y}},
            {"transform": only("run"), "mark": _line("$deficit", 2), "encoding": {"x": x, "y": y}},
            {
                "transform": only("end"),
                "mark": {"type": "text", "dy": -9, "align": "right", "fontWeight": 600, "color": "$ink"},
                "encoding": {"x": x, "y": y, "text": {"field": "text"}},
            },
        ],
    )


def _line(colour: str, width: float) -> JSON:
    return {"type": "line", "color": colour, "strokeWidth": width}
