"""Figure 3 of paper 1: weaker and stronger weight decay."""

from __future__ import annotations

from collections.abc import Mapping

from critlab.papers.charts import damage_by_part
from critlab.papers.comparisons import damage_comparisons
from critlab.papers.critical_periods.setup import NOTES, PAPER, base, compared_study
from critlab.papers.figure import Figure, Published, Scale, Studies
from critlab.papers.names import study_name

WEIGHT_DECAY = Published("damage by weight decay", "none: shorter and sharper; more: longer and softer", NOTES)
WEIGHT_DECAYS: Mapping[Scale, tuple[float, ...]] = {
    "paper": (0.0, 0.0005, 0.001, 0.002),
    "small": (0.0, 0.001, 0.002),
    "demo": (0.0, 0.001, 0.002),
}
"""From none to the strongest that figure 3 is said to show; the exact list is not recovered."""


def studies(scale: Scale) -> Studies:
    """Figure 3: weaker and stronger weight decay."""
    return {
        f"{decay:g}": compared_study(
            scale, base(scale, optimizer={"weight_decay": decay}), study_name("weight-decay", scale, f"{decay:g}")
        )
        for decay in WEIGHT_DECAYS[scale]
    }


FIGURE = Figure(
    question="does weight decay change the critical period? From 0 to 0.002",
    source=f"{PAPER}, figure 3",
    studies=studies,
    published=(WEIGHT_DECAY,),
    charts=damage_by_part("damage_by_weight_decay", "Damage by weight decay", "weight decay"),
    compare=damage_comparisons(WEIGHT_DECAY),
)
