"""Paper 3, matrix completion: Does it depend on the scale of the initial weights?"""

from __future__ import annotations

from critlab.papers.deep_linear import COMPLETION
from critlab.papers.deep_linear.matrix_completion.completion import Variants, sweep_charts, sweep_tables
from critlab.papers.figure import THEORY_SCALES, Figure

VARIANTS: Variants = {
    "small": {f"init {scale:g}": {"init_scale": scale} for scale in (0.1, 0.01, 0.001, 0.0001)},
    "paper": {f"init {scale:g}": {"init_scale": scale, "recovery": 50000} for scale in (0.1, 0.01, 0.001, 0.0001)},
}


FIGURE = Figure(
    question="does it depend on the scale of the initial weights?",
    source=COMPLETION,
    scales=THEORY_SCALES,
    tables=sweep_tables(VARIANTS),
    charts=sweep_charts("completion_init", "Damage by the scale of the initial weights"),
)
