"""The filters that all charts of a study share, as plain values for the template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from critlab.analysis.tables.results import Results
from critlab.report.charts.shared.arms import sweep_arms
from critlab.report.text.names import capital
from critlab.report.text.numbers import count

MOST_BOXES = 60
"""How many boxes a filter has; with more, all are drawn."""


def arm_names(results: Results) -> Mapping[str, str]:
    """The name of each curve in charts, by its arm."""
    return {arm.curve.arm: arm.name for arm in sweep_arms(results)}


def filters_part(results: Results) -> Mapping[str, Any]:
    """What can be chosen: curves, points of the sweep and seeds; a kind of which there is one is left out."""
    words = results.study.sweep.words
    offered = {
        "arms": ("Curves", "curve", list(arm_names(results).values())),
        "points": (
            f"{capital(words.point)}s",
            words.point,
            [*map(str, results.study.sweep.points)],
        ),
        "seeds": ("Seeds", "seed", [*map(str, results.study.seeds)]),
    }
    kinds = [
        {"name": name, "title": title, "noun": f"{noun}s", "values": values}
        for name, (title, noun, values) in offered.items()
        if 1 < len(values) <= MOST_BOXES
    ]
    said = ", ".join(count(len(kind["values"]), str(kind["noun"])[:-1]) for kind in kinds)
    return {"kinds": kinds, "said": f"all of {said}"} if kinds else {}
