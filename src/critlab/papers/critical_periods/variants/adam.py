"""Figure 3 of paper 1: Adam."""

from __future__ import annotations

from critlab.papers.comparisons import damage_comparisons
from critlab.papers.critical_periods.setup import PAPER, PRESENT, base, compared_study
from critlab.papers.figure import Figure, Scale, single
from critlab.papers.names import study_name
from critlab.study.study import Study


def study(scale: Scale) -> Study:
    """Figure 3: Adam at 0.001 with weight decay 0.0001, constant."""
    optimizer = {"name": "adam", "momentum": None, "lr": 0.001, "lr_decay": 1.0, "weight_decay": 0.0001}
    return compared_study(scale, base(scale, optimizer=optimizer), study_name("adam", scale))


FIGURE = Figure(
    question="is there a critical period under Adam?",
    source=f"{PAPER}, figure 3",
    studies=single(study),
    published=(PRESENT,),
    compare=damage_comparisons(PRESENT),
)
