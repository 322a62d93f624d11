"""The learning rate by epoch, on the study's schedule and restarted, where a schedule changes it within epochs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from critlab.analysis.tables.results import Results
from critlab.report.chart import Chart, Panel
from critlab.report.charts.encoding import JSON, quantity, tip
from critlab.report.charts.kit import chart, coloured, layer, layered
from critlab.study import Run, Study
from critlab.study.runs.recipe import epoch_rate
from critlab.study.schedules import schedule

PLACES = 8
"""Points of an epoch in which the rate changes."""


def rate_charts(results: Results) -> Iterator[Chart]:
    """The chart of a study whose clock says that it is drawn; none of another study, or without results."""
    study = results.study
    if not results.rows or not study.optimizer.schedule_known or not schedule(study.optimizer.clock).drawn:
        return
    runs = _compared(study)
    names = list(dict.fromkeys(schedule(run.clock).label for run in runs))
    points = [point for run in runs for point in _points(study, run)]
    hover = [tip("schedule", "Schedule"), tip("epoch", "Epoch"), tip("rate", "Learning rate")]
    where = {
        "x": quantity("epoch", "Epoch", scale={"nice": False, "padding": 6}),
        "y": quantity("rate", "Learning rate"),
        "color": coloured("schedule", "Schedule", names),
    }
    window = runs[0].window
    shade: JSON = {"x": quantity("start", "Epoch"), "x2": {"field": "stop"}}
    windows = [{"start": window.start, "stop": window.stop}]
    spec = layered(
        points,
        layer({"type": "rect", "color": "$deficit", "opacity": 0.1}, shade, rows=windows),
        layer({"type": "line", "strokeWidth": 1.75}, {**where, "tooltip": hover}),
    )
    yield chart(
        "learning_rate",
        "Learning rate",
        f"The learning rate of the run at {study.sweep.words.point} {runs[0].at} and, where trained, of the same "
        "run with its schedule restarted. The epochs under the deficit are shaded. The table has the mean of each "
        "epoch.",
        "Chart of the learning rate by epoch. The numbers follow in a table.",
        [Panel("", spec, max(map(len, names)), 260)],
        [row for run in runs for row in _means(study, run)],
    )


def _compared(study: Study) -> Sequence[Run]:
    """The run with the deficit at the last point that is tested, and its twins on other clocks."""
    tested = [run for run in study.runs if run.role == "deficit" and study.sweep.tested(run.at)]
    main = (tested or [run for run in study.runs if run.role in ("deficit", "control")])[-1]
    return [main, *(run for run in study.runs if run.role == "clock_control" and run.at == main.at)]


def _points(study: Study, run: Run) -> Iterator[JSON]:
    name = schedule(run.clock).label
    for epoch in range(run.total):
        rate = epoch_rate(study, run, epoch)
        places = [0.0, 1.0] if rate.course is None else [place / PLACES for place in range(PLACES + 1)]
        for place in places:
            factor = 1.0 if rate.course is None else rate.course.factor(min(place, 1 - 1e-9))
            yield {"schedule": name, "epoch": epoch + place, "rate": rate.lr * factor}


def _means(study: Study, run: Run) -> Iterator[JSON]:
    name = schedule(run.clock).label
    for epoch in range(run.total):
        yield {"schedule": name, "epoch": epoch + 1, "mean rate": epoch_rate(study, run, epoch).mean}
