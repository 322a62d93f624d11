"""Paper 2, synthetic sensors: deep and shallow linear networks that lose a sensor."""

from __future__ import annotations

from typing import Any

from critlab.papers.figure import JSON, THEORY_SCALES, Figure, Published, Scale, Tables
from critlab.report.chart import Chart
from critlab.report.charts.encoding import quantity
from critlab.report.charts.kit import chart, coloured, layer, layered, lookup

PAPER_2 = "Kleinman, Achille and Soatto 2023, arXiv 2210.04643, the authors' published program"
PLACES = ((0, 0), (0, 3), (4, 7), (2, 1))
REMOVED = 2
INDICES = ((145, 282), (153, 347), (248, 461), (282, 282))
_NAMES = (("with", False), ("without", True))
_DASHES = {"domain": [False, True], "range": [[1, 0], [5, 3]]}


def tables(scale: Scale) -> Tables:
    """Weights with and without the shared sensor, deep and shallow; the largest changes; norms of the trees' rows."""
    from critlab.theory.linear import sensor_curves

    runs = {False: sensor_curves("paper"), True: sensor_curves("paper", without=REMOVED)}
    every = 10 if scale == "small" else 2
    weights = [
        {
            "network": network,
            "removed": removed,
            "weight": f"task {task}, sensor {sensor}",
            "t": float(run.time[point]),
            "value": float(getattr(run, network)[point, task, sensor]),
        }
        for removed, run in runs.items()
        for network in ("deep", "shallow")
        for task, sensor in PLACES
        for point in range(0, len(run.time), every)
    ]
    crossings = [
        {
            "network": network,
            "weight": f"task {task}, sensor {sensor}",
            **{name: int((getattr(runs[gone], network)[:, task, sensor] > 0.5).nonzero()[0]) for name, gone in _NAMES},
        }
        for network in ("deep", "shallow")
        for task, sensor in PLACES
    ]
    return {"weights": weights, "crossings": crossings, "trees": _trees(every)}


def _trees(every: int) -> list[JSON]:
    from critlab.theory.linear import sensor_curves

    rows = []
    for task in ("tree", "tree_signed"):
        run = sensor_curves(task, points=1001)
        norms = run.deep.norm(dim=2)
        rows += [
            {"task": task, "level": level, "t": float(run.time[point]), "norm": float(norms[point, row])}
            for level, row in (("all", 0), ("half", 2), ("single", 6))
            for point in range(0, 1000, every)
        ]
    return rows


def charts(tables: Tables) -> list[Chart]:
    """Deep next to shallow, the removed sensor dashed; then the trees."""
    names = list(dict.fromkeys(row["weight"] for row in tables["weights"]))
    panels = []
    for network in ("deep", "shallow"):
        rows = [row for row in tables["weights"] if row["network"] == network]
        dash = {"field": "removed", "type": "nominal", "title": f"sensor {REMOVED} removed"}
        axes = {"x": quantity("t", "t / tau"), "y": quantity("value", "weight"), "color": coloured("weight", "", names)}
        line = layer({"type": "line", "strokeWidth": 1.8}, {**axes, "strokeDash": {**dash, "scale": _DASHES}})
        panels.append((network, layered(rows, line)))
    trees = []
    for task in ("tree", "tree_signed"):
        rows = [row for row in tables["trees"] if row["task"] == task]
        axes = {"x": quantity("t", "t / tau"), "y": quantity("norm", "norm of the row")}
        axes |= {"color": coloured("level", "", ["all", "half", "single"])}
        trees.append((task.replace("_", ", "), layered(rows, layer({"type": "line", "strokeWidth": 1.8}, axes))))
    return [
        chart(
            "sensors",
            "Weights with and without a sensor, deep and shallow",
            "Dashed: the sensor that two tasks share is missing from the start.",
            "Weights over time, deep and shallow, with and without a sensor. Crossings of 0.5 follow in a table.",
            panels,
            tables["crossings"],
        ),
        chart(
            "sensors_trees",
            "The trees: rows of three levels",
            "Norms of the rows of the deep network's weights.",
            "Norms of three rows over time, for the tree and its signed variant.",
            trees,
            tables["trees"],
        ),
    ]


def _crossing(place: tuple[int, int], column: str) -> Any:
    weight = f"task {place[0]}, sensor {place[1]}"
    return lambda tables: lookup(tables["crossings"], column, network="deep", weight=weight)


PUBLISHED = tuple(
    Published(
        f"deep, weight {place}, index at which it passes 0.5, {name} the sensor", value, PAPER_2, _crossing(place, name)
    )
    for place, values in zip(PLACES, INDICES, strict=True)
    for name, value in zip(("with", "without"), values, strict=True)
)


FIGURE = Figure(
    question="does a missing sensor slow what is learned from the others?",
    source="Kleinman, Achille and Soatto 2023, arXiv 2210.04643, figure of the synthetic sensors",
    scales=THEORY_SCALES,
    tables=tables,
    published=PUBLISHED,
    charts=charts,
)
