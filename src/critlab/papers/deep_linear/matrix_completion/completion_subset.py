"""Paper 3, matrix completion: Does it harm to see only some of the entries at first?"""

from __future__ import annotations

from critlab.papers.deep_linear import COMPLETION
from critlab.papers.deep_linear.matrix_completion.completion import Variants, sweep_charts, sweep_tables
from critlab.papers.figure import THEORY_SCALES, Figure

VARIANTS: Variants = {
    "small": {
        f"300 to {count}, depth {depth}": {
            "ranks": (3, 3),
            "observed": count,
            "first_observed": 300,
            "depths": (depth,),
        }
        for count, depth in ((375, 3), (450, 3), (600, 3), (450, 2), (450, 1))
    },
    "paper": {
        f"1000 to {count}, depth {depth}": {
            "ranks": (5, 5),
            "observed": count,
            "first_observed": 1000,
            "depths": (depth,),
        }
        for count, depth in ((1250, 3), (1500, 3), (1750, 3), (2000, 3), (1500, 2), (1500, 1))
    },
}


FIGURE = Figure(
    question="does it harm to see only some of the entries at first?",
    source=COMPLETION,
    scales=THEORY_SCALES,
    tables=sweep_tables(VARIANTS),
    charts=sweep_charts("completion_subset", "Damage by seeing fewer entries of the same matrix at first"),
)
