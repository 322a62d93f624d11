"""Paper 3, matrix completion: Does another task at first harm matrix completion, by depth?"""

from __future__ import annotations

from collections.abc import Callable

from critlab.papers.deep_linear import COMPLETION, PAPER
from critlab.papers.deep_linear.matrix_completion.completion import Variants, sweep_charts, sweep_tables
from critlab.papers.figure import THEORY_SCALES, Figure, Published, Tables
from critlab.report.charts.kit import lookup

VARIANTS: Variants = {
    scale: {f"depth {depth}": {"depths": (depth,)} for depth in (1, 2, 3)} for scale in ("small", "paper")
}
OWN_RUN = f"an independent program on the authors' seed-1 instance ({PAPER}); ours is the median over other instances"


def _median(depth: int, removal: int) -> Callable[[Tables], float]:
    def read(tables: Tables) -> float:
        if all(row["x"] != 100000 for row in tables["spread"]):
            return float("nan")  # the published numbers are those of the paper's size
        return lookup(tables["spread"], "median", variant=f"depth {depth}", x=removal)

    return read


PUBLISHED = tuple(
    Published(
        f"n = 100, depth {depth}, error after {removal:,} updates of task 1", value, OWN_RUN, _median(depth, removal)
    )
    for depth, values in ((1, (0.7955, 0.7958, 0.7959)), (2, (0.0530, 0.5155, 0.5390)), (3, (0.0001, 0.7218, 1.020)))
    for removal, value in zip((0, 20000, 100000), values, strict=True)
)


FIGURE = Figure(
    question="does another task at first harm matrix completion, by depth?",
    source=COMPLETION,
    scales=THEORY_SCALES,
    tables=sweep_tables(VARIANTS),
    published=PUBLISHED,
    charts=sweep_charts("completion_depth", "Damage by depth and by the length of the first task"),
)
