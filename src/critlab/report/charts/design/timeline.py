"""When the deficit is on, when the network recovers, and the learning rate: one line for each kind of run."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from critlab.analysis.tables.results import Results
from critlab.report.chart import Chart, Panel
from critlab.report.charts.design import DESIGN
from critlab.report.charts.design.states import Design
from critlab.report.charts.encoding import JSON, quantity, specification, tip
from critlab.report.theme import ordered
from critlab.study import Run, Study
from critlab.study.runs.recipe import recipes

COLUMNS = ("run", "start", "end", "what is on", "learning rate at the start", "learning rate at the end")
MOST_RATES = 200
"""How many learning rates of a run are drawn."""

ROW = 24
"""Pixels of a run's bar."""

LINE = 13
"""Pixels of a line of a run's name."""

LETTERS = 24
"""Of a line of a run's name."""

WRAPPED = {"labelLimit": 200, "labelExpr": "split(datum.label, '\\n')"}
"""The axis of names in short lines."""


def timeline_charts(results: Results) -> Iterator[Chart]:
    """The runs at the last point of the sweep with their controls; none of a study without runs of a deficit."""
    study, runs = results.study, _examples(results.study)
    if not runs:
        return
    design = Design.of(results)
    known = study.optimizer.schedule_known
    bars = [(run, *one) for run in runs for one in design.stretches(run)]
    rates = {run.name: _rates(run, study) for run in runs} if known else {}
    place = runs[-1].at if len(runs) == 1 else next(run.at for run in runs if run.role == "deficit")
    yield Chart(
        key=DESIGN[0],
        title="What was done, and when",
        caption=f"The runs of one point of the sweep, {study.sweep.words.point} {place}, with their controls. "
        + ("On the right, the learning rate of each." if known else "Only your own loop knows its learning rate."),
        alt="Time lines of deficit, recovery and learning rate. The numbers follow in a table.",
        panels=(_bars(design, bars), *([_lines(design, runs, rates)] if known else [])),
        columns=COLUMNS,
        rows=tuple(
            (design.words(run), start, stop, state, _at(rates, run, start), _at(rates, run, stop))
            for run, start, stop, state in bars
        ),
    )


def _examples(study: Study) -> list[Run]:
    """The clean run, the deficit at the last point that is removed, and each control of that point."""
    swept = [run for run in study.runs if run.role == "deficit"]
    removed = [run for run in swept if run.at != "never"] or swept
    if not removed:
        return []
    main = max(removed, key=lambda run: (run.window.stop, run.total))
    named = {one.control for one in main.controls}
    clean = [run for run in study.runs if run.name in named]
    others = {run.arm: run for run in study.runs if run.at == main.at and run.role != "deficit" and not run.clean}
    return [*clean, main, *others.values()]


def _rates(run: Run, study: Study) -> list[tuple[float, float]]:
    """Epochs, and the learning rate there: of every epoch the beginning, and what changes within."""
    steps = recipes(run, study)
    every = -(-len(steps) // MOST_RATES)
    found: list[tuple[float, float]] = []
    for epoch, recipe in enumerate(steps):
        if epoch % every and epoch != len(steps) - 1:
            continue
        found.append((float(epoch), recipe.rate(0, 1)))
        if recipe.course is not None:
            found += [(epoch + part / 4, recipe.rate(part, 4)) for part in (1, 2, 3)]
    return [*found, (float(run.total), found[-1][1])]


def _at(rates: dict[str, list[tuple[float, float]]], run: Run, epoch: int) -> float | None:
    """The learning rate before ``epoch``; at the end of a run that of its last one."""
    return next((rate for at, rate in reversed(rates.get(run.name, [])) if at <= epoch), None)


def _bars(design: Design, bars: Sequence[tuple[Run, int, int, str]]) -> Panel:
    names = list(dict.fromkeys(_wrapped(design.words(run)) for run, *_ in bars))
    rows: list[JSON] = [
        {"run": _wrapped(design.words(run)), "start": start, "stop": stop, "state": state}
        for run, start, stop, state in bars
    ]
    states = design.coloured(row["state"] for row in rows)
    colour = {"scale": {"domain": list(states), "range": list(states.values())}, "title": "What is on"}
    bar: JSON = {
        "mark": {"type": "bar", "height": {"band": 0.7}, "stroke": "$paper", "strokeWidth": 1},
        "encoding": {
            "x": quantity("start", "Epoch", scale={"nice": False}, axis={"tickMinStep": 1, "tickCount": 6}),
            "x2": {"field": "stop"},
            "y": {"field": "run", "type": "nominal", "title": None, "sort": names, "axis": WRAPPED},
            "color": {"field": "state", "type": "nominal", **colour},
            "tooltip": [tip("run", "Run"), tip("state", "What is on"), tip("start", "From"), tip("stop", "To epoch")],
        },
    }
    height = max(ROW, 8 + LINE * max(name.count("\n") + 1 for name in names))
    return Panel("Deficit and recovery", specification(rows, [bar]), max(map(len, states)), 20 + height * len(names))


def _wrapped(name: str) -> str:
    """The name of a run in short lines, so that it is not cut."""
    return textwrap.fill(name, LETTERS, break_long_words=False)


def _lines(design: Design, runs: Sequence[Run], rates: dict[str, list[tuple[float, float]]]) -> Panel:
    groups: dict[tuple[tuple[float, float], ...], list[str]] = {}
    for run in runs:
        groups.setdefault(tuple(rates[run.name]), []).append(design.words(run))
    names = [_joined(names) for names in groups.values()]
    rows: list[JSON] = [
        {"run": name, "epoch": epoch, "rate": rate}
        for name, course in zip(names, groups, strict=True)
        for epoch, rate in course
    ]
    scale = {"domain": names, "range": ordered("late", len(names))}
    colour = {"field": "run", "type": "nominal", "title": None, "sort": names, "scale": scale}
    line: JSON = {
        "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 1.75},
        "encoding": {
            "x": quantity("epoch", "Epoch", scale={"nice": False}, axis={"tickMinStep": 1, "tickCount": 6}),
            "y": quantity("rate", "Learning rate", axis={"format": ".2~g", "tickCount": 4}),
            "color": colour,
            "strokeDash": {"field": "run", "type": "nominal", "legend": None, "sort": names},
        },
    }
    return Panel("Learning rate", specification(rows, [line]), max(map(len, names)), 20 + ROW * max(4, len(runs)))


def _joined(names: Sequence[str]) -> str:
    """The name of a line that several runs share."""
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
