"""The filters that all charts of a study share: which curves, points of the sweep and single seeds are drawn.

A chart takes part by its rows: ``arm`` is the name of a curve, ``at`` a point of the sweep as text, and rows whose
``part`` is ``"seed"`` belong to the ``seed`` that they name. The page's script sets the parameters of all charts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

JSON = dict[str, Any]

HIDDEN_ARMS, HIDDEN_POINTS, SHOWN_SEEDS = "hidden_arms", "hidden_points", "shown_seeds"
CHOSEN = "chosen"
"""The parameter that a slider over the points of the sweep sets."""

FEW_SEEDS = 5
"""With fewer seeds than this a band over them says little, and each is drawn."""


def filters(rows: Sequence[JSON], seeds_drawn: bool = True) -> JSON:
    """The parameters and the transform by which a specification over ``rows`` takes part; empty where it does not.

    Args:
        rows: of the chart.
        seeds_drawn: whether single seeds are drawn before a reader chooses some.
    """
    params: list[JSON] = []
    tests: list[str] = []
    for field, name in (("arm", HIDDEN_ARMS), ("at", HIDDEN_POINTS)):
        if any(field in row for row in rows):
            params.append({"name": name, "value": []})
            tests.append(f"indexof({name}, datum.{field}) < 0")
    seeds = list(dict.fromkeys(row["seed"] for row in rows if row.get("part") == "seed"))
    if seeds:
        params.append({"name": SHOWN_SEEDS, "value": seeds if seeds_drawn else []})
        tests.append(f"(datum.part !== 'seed' || indexof({SHOWN_SEEDS}, datum.seed) >= 0)")
    return {"params": params, "transform": [{"filter": " && ".join(tests)}]} if tests else {}


def as_drawn(spec: JSON) -> JSON:
    """A specification without filters, which holds the rows that are drawn before a reader chooses any."""
    if "params" not in spec:
        return spec
    values = {one["name"]: one["value"] for one in spec["params"]}
    shown, chosen = values.get(SHOWN_SEEDS), values.get(CHOSEN)
    rows = [
        row
        for row in spec["data"]["values"]
        if (row.get("part") != "seed" or shown is None or row["seed"] in shown)
        and (chosen is None or row.get("at") in (None, chosen))
    ]
    rest = {key: value for key, value in spec.items() if key not in ("params", "transform")}
    return {**rest, "data": {"values": rows}}
