"""Figure 3 of paper 1: a constant learning rate."""

from __future__ import annotations

from critlab.papers.comparisons import damage_comparisons
from critlab.papers.critical_periods.setup import PAPER, PRESENT, base, compared_study, constant_rate
from critlab.papers.figure import Figure, Scale, single
from critlab.papers.names import study_name
from critlab.study.study import Study


def study(scale: Scale) -> Study:
    """Figure 3: without annealing, so that a decayed learning rate cannot be the cause."""
    return compared_study(scale, base(scale, optimizer=constant_rate(scale)), study_name("constant-lr", scale))


FIGURE = Figure(
    question="is there a critical period without annealing?",
    source=f"{PAPER}, figure 3",
    studies=single(study),
    published=(PRESENT,),
    compare=damage_comparisons(PRESENT),
)
