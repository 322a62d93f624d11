"""Paper 3, matrix completion: Does it depend on how much is seen?"""

from __future__ import annotations

from critlab.papers.deep_linear import COMPLETION
from critlab.papers.deep_linear.matrix_completion.completion import Variants, sweep_charts, sweep_tables
from critlab.papers.figure import THEORY_SCALES, Figure

VARIANTS: Variants = {
    "small": {f"{count} seen": {"observed": count} for count in (400, 600, 800, 1000)},
    "paper": {f"{count} seen": {"observed": count} for count in (1000, 1500, 2000, 3000, 4000)},
}


FIGURE = Figure(
    question="does it depend on how much is seen?",
    source=COMPLETION,
    scales=THEORY_SCALES,
    tables=sweep_tables(VARIANTS),
    charts=sweep_charts("completion_observations", "Damage by the number of observed entries"),
)
