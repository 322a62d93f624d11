"""Matrix completion: error against the length of the deficit, for the variants of a figure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import quantiles
from typing import Any

from critlab.papers.deep_linear.panels import spread_over, traces
from critlab.papers.figure import JSON, Scale, Tables
from critlab.report.chart import Chart
from critlab.report.charts.kit import chart

SMALL: dict[str, Any] = {
    "size": 50,
    "ranks": (5, 3),
    "observed": 600,
    "recovery": 10000,
    "removals": (0, 1000, 5000, 10000, 20000),
    "seeds": tuple(range(1, 9)),
}
LARGE: dict[str, Any] = {
    "size": 100,
    "ranks": (10, 5),
    "observed": 2000,
    "recovery": 30000,
    "removals": (0, 1000, 5000, 10000, 20000, 40000, 60000, 80000, 100000),
    "seeds": tuple(range(1, 9)),
}
SETTINGS = {"small": SMALL, "paper": LARGE}
Variants = dict[Scale, dict[str, dict[str, Any]]]
TRACE_POINTS = 120


def sweep_tables(variants: Variants) -> Callable[[Scale], Tables]:
    """The tables of a figure that compares ``variants``: errors, their spread, singular values in time."""

    def tables(scale: Scale) -> Tables:
        from critlab.theory.linear import complete_matrix

        errors: list[JSON] = []
        values: list[JSON] = []
        for name, changes in variants[scale].items():
            setting = {**SETTINGS[scale], **changes}
            rows = complete_matrix(setting.pop("size"), **setting).rows()
            clean = {row["seed"]: row["error"] for row in rows if row["removal"] == 0}
            errors += [
                {
                    "variant": name,
                    **{key: row[key] for key in ("depth", "seed", "removal", "error", "train_loss")},
                    "relative": clean[row["seed"]] - row["error"],
                }
                for row in rows
            ]
            values += _trace({**SETTINGS[scale], **changes}, name)
        return {"errors": errors, "spread": spread(errors, "removal"), "values": values}

    return tables


def _trace(setting: JSON, name: str) -> list[JSON]:
    """The ten largest singular values of one instance over time, for the longest deficit."""
    from critlab.theory.linear import complete_matrix

    longest = setting["removals"][-1]
    every = max(1, (longest + setting["recovery"]) // TRACE_POINTS)
    one = {**setting, "removals": (longest,), "seeds": (1,), "record_every": every}
    return [
        {"variant": name, "switch": longest, "t": state["update"], "index": index + 1, "value": value}
        for state in complete_matrix(one.pop("size"), **one).traces()
        for index, value in enumerate(state["singular_values"])
    ]


def spread(errors: Sequence[JSON], x: str) -> list[JSON]:
    """Median and quartiles over instances, for every variant and ``x``; what is not finite counts as infinite."""
    groups: dict[tuple[Any, Any], list[float]] = {}
    for row in errors:
        error = row["error"] if row["error"] == row["error"] else float("inf")
        groups.setdefault((row["variant"], row[x]), []).append(error)
    found = []
    for (variant, place), values in groups.items():
        low, median, high = quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
        mean = sum(values) / len(values)
        found.append(
            {"variant": variant, "x": place, "median": median, "low": low, "high": high, "mean": mean, "n": len(values)}
        )
    return found


def sweep_charts(key: str, title: str) -> Callable[[Tables], list[Chart]]:
    """Errors against the removal, then singular values in time, one panel a variant."""

    def charts(tables: Tables) -> list[Chart]:
        names = list(dict.fromkeys(row["variant"] for row in tables["values"]))
        error = spread_over(tables["spread"], "variant", "updates under the deficit", "")
        switch = max(row["switch"] for row in tables["values"])
        kept = {name: [row for row in tables["values"] if row["variant"] == name] for name in names}
        return [
            chart(
                key,
                title,
                "Median over instances with quartiles. An error of 1 is what an empty matrix gives.",
                "Reconstruction error against the time under the deficit. The numbers follow in a table.",
                [("", error)],
                tables["spread"],
            ),
            chart(
                f"{key}_values",
                "Singular values in time, longest deficit, one instance",
                "The dashed line marks the switch to the clean task.",
                "The ten largest singular values of the product against updates.",
                [(name, traces(kept[name], switch)) for name in names],
                tables["values"],
            ),
        ]

    return charts
