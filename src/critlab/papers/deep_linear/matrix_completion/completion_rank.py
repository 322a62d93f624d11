"""Paper 3, matrix completion: Does it depend on the rank of the first task?"""

from __future__ import annotations

from critlab.papers.deep_linear import COMPLETION
from critlab.papers.deep_linear.matrix_completion.completion import Variants, sweep_charts, sweep_tables
from critlab.papers.figure import THEORY_SCALES, Figure

VARIANTS: Variants = {
    "small": {f"rank {rank} to 3": {"ranks": (rank, 3)} for rank in (1, 3, 5, 8)},
    "paper": {f"rank {rank} to 5": {"ranks": (rank, 5)} for rank in (2, 5, 10, 15)},
}


FIGURE = Figure(
    question="does it depend on the rank of the first task?",
    source=COMPLETION,
    scales=THEORY_SCALES,
    tables=sweep_tables(VARIANTS),
    charts=sweep_charts("completion_rank", "Damage by the rank of the first task"),
)
