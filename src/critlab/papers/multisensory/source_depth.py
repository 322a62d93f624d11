"""Paper 2, effect of depth: one, two and three blocks before the sources meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from critlab.papers.charts import damage_by_part
from critlab.papers.comparisons import UNSTATED, damage_comparisons
from critlab.papers.figure import Figure, Found, Published, Scale, Studies
from critlab.papers.multisensory.setup import PAPER, SEEDS, base, blur
from critlab.papers.multisensory.units import MOVES, VARIANCE, compared_points
from critlab.papers.names import study_name
from critlab.papers.sweeps import removal_sweep
from critlab.report.findings import Comparison, ReadingAt
from critlab.study.setup import Setup

DEPTH = Published("damage by depth", "deep networks have a critical period, shallow ones do not", f"{PAPER}, abstract")


def studies(scale: Scale) -> Studies:
    """Two towers of one, two and three blocks before the sources meet, at a constant learning rate.

    Where the rate does not fall, longer training helps a clean network too: so there are clean runs of equal length.
    """
    removals, recovery = {
        "paper": (tuple(range(0, 281, 40)), 160),
        "small": ((0, 16), 16),
        "demo": ((0, 8), 8),
    }[scale]
    optimizer = {
        "lr": 0.001 if scale == "paper" else 0.01,
        "lr_decay": 1.0,
        "weight_decay": 0.001,
    }
    width = {"paper": 96, "small": 8, "demo": 6}[scale]
    return {
        f"n={blocks}": removal_sweep(
            scale,
            blur(scale),
            at=removals,
            recovery=recovery,
            seeds=SEEDS[scale],
            setup=_towers(scale, blocks, width, optimizer),
            name=study_name("source-depth", scale, str(blocks)),
            controls={"equal_total": True},
        )
        for blocks in (1, 2, 3)
    }


def _towers(scale: Scale, blocks: int, width: int, optimizer: Mapping[str, Any]) -> Setup:
    made = base(scale, optimizer=dict(optimizer))
    fields = {field: getattr(made, field) for field in Setup.model_fields}
    return Setup.read({**fields, "model": {"name": "two_tower", "blocks": blocks, "width": width}}, "towers")


def compare(found: Found) -> Sequence[Comparison]:
    """The damage of every depth, and the units that moved."""
    rows = list(damage_comparisons(DEPTH)(found))
    return [
        *rows,
        *(
            Comparison(f"{MOVES.what}{place}", UNSTATED, "ours", ReadingAt(point))
            for place, point in compared_points(found, VARIANCE)
        ),
    ]


FIGURE = Figure(
    question="is the damage larger with deeper towers before the sources meet?",
    source=f"{PAPER}, effect of depth",
    studies=studies,
    published=(DEPTH,),
    charts=damage_by_part("damage_by_depth", "Damage by depth of the towers", "number of blocks", "equal_total"),
    compare=compare,
)
