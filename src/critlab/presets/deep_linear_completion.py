"""Figures of matrix completion: error against the length of the deficit, by depth, rank, observations, subset, init."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import quantiles
from typing import Any

from critlab.presets.deep_linear_figure import JSON, PAPER, Published, Scale, Tables
from critlab.presets.deep_linear_panels import chart, lookup, spread_over, traces
from critlab.report.chart import Chart

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
BASES = {"small": SMALL, "paper": LARGE}
Variants = dict[Scale, dict[str, dict[str, Any]]]

DEPTH: Variants = {
    scale: {f"depth {depth}": {"depths": (depth,)} for depth in (1, 2, 3)} for scale in ("small", "paper")
}
RANK: Variants = {
    "small": {f"rank {rank} to 3": {"ranks": (rank, 3)} for rank in (1, 3, 5, 8)},
    "paper": {f"rank {rank} to 5": {"ranks": (rank, 5)} for rank in (2, 5, 10, 15)},
}
OBSERVATIONS: Variants = {
    "small": {f"{count} seen": {"observed": count} for count in (400, 600, 800, 1000)},
    "paper": {f"{count} seen": {"observed": count} for count in (1000, 1500, 2000, 3000, 4000)},
}
SUBSET: Variants = {
    "small": {
        f"300 to {count}, depth {depth}": {
            "ranks": (3, 3),
            "observed": count,
            "first_observed": 300,
            "depths": (depth,),
        }
        for count, depth in ((375, 3), (450, 3), (600, 3), (450, 2), (450, 1))
    },
    "paper": {
        f"1000 to {count}, depth {depth}": {
            "ranks": (5, 5),
            "observed": count,
            "first_observed": 1000,
            "depths": (depth,),
        }
        for count, depth in ((1250, 3), (1500, 3), (1750, 3), (2000, 3), (1500, 2), (1500, 1))
    },
}
INIT: Variants = {
    "small": {f"init {scale:g}": {"init_scale": scale} for scale in (0.1, 0.01, 0.001, 0.0001)},
    "paper": {f"init {scale:g}": {"init_scale": scale, "recovery": 50000} for scale in (0.1, 0.01, 0.001, 0.0001)},
}
TRACE_POINTS = 120


def sweep_tables(variants: Variants) -> Callable[[Scale], dict[str, list[JSON]]]:
    """The tables of a figure that compares ``variants``: errors, their spread, singular values in time."""

    def tables(scale: Scale) -> dict[str, list[JSON]]:
        from critlab.linear import complete_matrix

        errors: list[JSON] = []
        values: list[JSON] = []
        for name, changes in variants[scale].items():
            setting = {**BASES[scale], **changes}
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
            values += _trace({**BASES[scale], **changes}, name)
        return {"errors": errors, "spread": spread(errors, "removal"), "values": values}

    return tables


def _trace(setting: JSON, name: str) -> list[JSON]:
    """The ten largest singular values of one instance over time, for the longest deficit."""
    from critlab.linear import complete_matrix

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


OWN_RUN = f"an independent program on the authors' seed-1 instance ({PAPER}); ours is the median over other instances"


def _median(depth: int, removal: int) -> Callable[[Tables], float]:
    def read(tables: Tables) -> float:
        if all(row["x"] != 100000 for row in tables["spread"]):
            return float("nan")  # the published numbers are those of the paper's size
        return lookup(tables["spread"], "median", variant=f"depth {depth}", x=removal)

    return read


DEPTH_PUBLISHED = tuple(
    Published(
        f"n = 100, depth {depth}, error after {removal:,} updates of task 1", value, OWN_RUN, _median(depth, removal)
    )
    for depth, values in ((1, (0.7955, 0.7958, 0.7959)), (2, (0.0530, 0.5155, 0.5390)), (3, (0.0001, 0.7218, 1.020)))
    for removal, value in zip((0, 20000, 100000), values, strict=True)
)
