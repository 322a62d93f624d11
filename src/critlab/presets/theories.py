"""The figures of the theories by name."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from critlab.presets.critical_feature_learning import FIGURES as CRITICAL_FEATURE_LEARNING
from critlab.presets.deep_linear import FIGURES as DEEP_LINEAR
from critlab.presets.deep_linear_figure import Published
from critlab.presets.theory import Figure, Tables
from critlab.report.findings import Comparison
from critlab.store import atomic


def beside(published: Sequence[Published], tables: Tables) -> list[Comparison]:
    """Our numbers beside the published ones; what a scale does not compute is said, not left out."""
    rows = []
    for item in published:
        ours = item.ours(tables)
        said = "not computed at this scale" if math.isnan(ours) else f"{ours:.4g}"
        rows.append(Comparison(item.what, f"{item.value:.4g}", item.source, said))
    return rows


THEORIES: dict[str, Figure] = {
    **{
        name: Figure(of.question, of.source, of.tables, of.charts, partial(beside, of.published), of.version)
        for name, of in DEEP_LINEAR.items()
    },
    **{
        name: Figure(of.question, of.source, of.compute, of.charts, of.compare, of.version)
        for name, of in CRITICAL_FEATURE_LEARNING.items()
    },
}
"""The figures of papers 3 and 4 by name."""

PLAYABLE = ("phase", "pathways")
"""The figures that also have a page to play with."""


def play(name: str, out: Path) -> Path:
    """Writes the page to play with of a figure: sliders, and a trajectory that answers at once.

    Args:
        name: one of :data:`PLAYABLE`.
        out: the page.
    """
    from critlab.linear.playing import playing_page

    atomic.write(out, playing_page("phase" if name == "phase" else "pathways").encode())
    return out
