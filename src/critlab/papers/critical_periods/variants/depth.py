"""Figure 2, right, of paper 1: networks of one, two and three blocks at a constant learning rate."""

from __future__ import annotations

from critlab.papers.charts import damage_by_part
from critlab.papers.comparisons import damage_comparisons
from critlab.papers.critical_periods.setup import PAPER, base, compared_study, constant_rate
from critlab.papers.figure import Figure, Published, Scale, Studies
from critlab.papers.names import study_name

DEPTH = Published("damage by depth", "grows with the number of blocks", "the paper's abstract")


def studies(scale: Scale) -> Studies:
    """Figure 2, right: the n-block family at a constant learning rate."""
    width = {"paper": 96, "small": 12, "demo": 8}[scale]
    return {
        f"n={blocks}": compared_study(
            scale,
            base(
                scale, model={"name": "depth_family", "blocks": blocks, "width": width}, optimizer=constant_rate(scale)
            ),
            study_name("depth", scale, str(blocks)),
        )
        for blocks in (1, 2, 3)
    }


FIGURE = Figure(
    question="is the damage larger in deeper networks? One, two and three blocks",
    source=f"{PAPER}, figure 2, right",
    studies=studies,
    published=(DEPTH,),
    charts=damage_by_part("damage_by_depth", "Damage by depth", "number of blocks", "equal_total"),
    compare=damage_comparisons(DEPTH),
)
