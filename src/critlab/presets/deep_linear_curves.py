"""Figures of singular-vector flow against descent, and of deep and shallow networks that lose a sensor."""

from __future__ import annotations

from typing import Any

from critlab.presets.deep_linear_figure import JSON, Published, Scale, Tables
from critlab.presets.deep_linear_panels import channel, chart, coloured, layer, layered, lookup
from critlab.report.chart import Chart

PAPER_2 = "Kleinman, Achille and Soatto 2023, arXiv 2210.04643, the authors' published program"

FLOWS: dict[Scale, list[dict[str, Any]]] = {
    "small": [
        {"size": 30, "ranks": (4, 2), "observed": 450, "depth": depth, "switch": 3000, "recovery": 3000}
        for depth in (2, 3)
    ],
    "paper": [
        {"size": 100, "ranks": (8, 2), "observed": 5000, "depth": 3, "switch": switch, "recovery": 10000}
        for switch in (0, 10000, 20000, 40000)
    ],
}
FLOW_POINTS, KEPT_VALUES = 120, 10
PLACES = ((0, 0), (0, 3), (4, 7), (2, 1))
REMOVED = 2
INDICES = ((145, 282), (153, 347), (248, 461), (282, 282))


def flow_tables(scale: Scale) -> dict[str, list[JSON]]:
    """Singular values of flow and descent over time, and the largest gap at the step and at half of it."""
    from critlab.linear import singular_vector_flow

    values: list[JSON] = []
    gaps: list[JSON] = []
    for setting in FLOWS[scale]:
        total = setting["switch"] + setting["recovery"]
        name = f"depth {setting['depth']}, {setting['switch']:,} + {setting['recovery']:,} steps"
        found = singular_vector_flow(**setting, step=0.25, record_every=max(1, total // FLOW_POINTS))
        gap: JSON = {"variant": name, "gap": found.gap}
        if scale == "small":
            twice = {**setting, "switch": 2 * setting["switch"], "recovery": 2 * setting["recovery"]}
            halved = singular_vector_flow(**twice, step=0.125, record_every=max(1, 2 * total // FLOW_POINTS))
            gap |= {"gap_at_half_the_step": halved.gap, "ratio": halved.gap / found.gap}
        gaps.append(gap)
        values += [
            {"variant": name, "switch": found.switch, "model": model, "t": t, "index": i + 1, "value": float(row[i])}
            for model, rows in (("flow", found.flow), ("descent", found.descent))
            for t, row in zip(found.states.tolist(), rows, strict=True)
            for i in range(min(KEPT_VALUES, len(row)))
        ]
    return {"values": values, "gaps": gaps}


def flow_charts(tables: Tables) -> list[Chart]:
    """One panel a configuration: descent as markers over the flow as lines, the switch marked."""
    panels = []
    for name in dict.fromkeys(row["variant"] for row in tables["values"]):
        rows = [row for row in tables["values"] if row["variant"] == name]
        indices = sorted({row["index"] for row in rows})
        axes = {"x": channel("t", "update"), "y": channel("value", "singular value")}
        axes |= {"color": coloured("index", "rank", indices, "deep")}
        mark = {"type": "rule", "color": "$deficit", "strokeDash": [4, 3]}
        at = {"x": {"field": "at", "type": "quantitative"}}
        line = layer({"type": "line", "strokeWidth": 1.6}, axes, "datum.model == 'flow'")
        points = layer({"type": "point", "size": 14}, axes, "datum.model == 'descent'")
        panels.append((name, layered(rows, line, points, layer(mark, at, rows=[{"at": rows[0]["switch"]}]))))
    return [
        chart(
            "singular_vectors",
            "Singular values: gradient descent (markers) and the singular-vector flow (lines)",
            "The dashed line marks the switch of tasks. The gap between both is of the order of the step.",
            "Singular values over time for both models. The largest gaps follow in a table.",
            panels,
            tables["gaps"],
        )
    ]


def sensors_tables(scale: Scale) -> dict[str, list[JSON]]:
    """Weights with and without the shared sensor, deep and shallow; the largest changes; norms of the trees' rows."""
    from critlab.linear import sensor_curves

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


_NAMES = (("with", False), ("without", True))


def _trees(every: int) -> list[JSON]:
    from critlab.linear import sensor_curves

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


def sensors_charts(tables: Tables) -> list[Chart]:
    """Deep beside shallow, the removed sensor dashed; then the trees."""
    names = list(dict.fromkeys(row["weight"] for row in tables["weights"]))
    panels = []
    for network in ("deep", "shallow"):
        rows = [row for row in tables["weights"] if row["network"] == network]
        dash = {"field": "removed", "type": "nominal", "title": f"sensor {REMOVED} removed"}
        axes = {"x": channel("t", "t / tau"), "y": channel("value", "weight"), "color": coloured("weight", "", names)}
        line = layer({"type": "line", "strokeWidth": 1.8}, {**axes, "strokeDash": {**dash, "scale": _DASHES}})
        panels.append((network, layered(rows, line)))
    trees = []
    for task in ("tree", "tree_signed"):
        rows = [row for row in tables["trees"] if row["task"] == task]
        axes = {"x": channel("t", "t / tau"), "y": channel("norm", "norm of the row")}
        axes |= {"color": coloured("level", "", ["all", "half", "single"])}
        trees.append((task.replace("_", ", "), layered(rows, layer({"type": "line", "strokeWidth": 1.8}, axes))))
    return [
        chart(
            "sensors",
            "A missing sensor slows what is learned from the others, in deep networks only",
            "Dashed: the sensor that two tasks share is missing from the start.",
            "Weights over time, deep and shallow, with and without a sensor. Crossings of 0.5 follow in a table.",
            panels,
            tables["crossings"],
        ),
        chart(
            "sensors_trees",
            "The trees: broad distinctions are learned before fine ones",
            "Norms of the rows of the deep network's weights.",
            "Norms of three rows over time, for the tree and its signed variant.",
            trees,
            tables["trees"],
        ),
    ]


_DASHES = {"domain": [False, True], "range": [[1, 0], [5, 3]]}


def _crossing(place: tuple[int, int], column: str) -> Any:
    weight = f"task {place[0]}, sensor {place[1]}"
    return lambda tables: lookup(tables["crossings"], column, network="deep", weight=weight)


SENSORS_PUBLISHED = tuple(
    Published(
        f"deep, weight {place}, index at which it passes 0.5, {name} the sensor", value, PAPER_2, _crossing(place, name)
    )
    for place, values in zip(PLACES, INDICES, strict=True)
    for name, value in zip(("with", "without"), values, strict=True)
)
