"""The figures of the theories by name."""

from __future__ import annotations

from pathlib import Path

from critlab.presets.deep_linear import FIGURES as DEEP_LINEAR
from critlab.presets.deep_linear_figure import Figure
from critlab.store import atomic

THEORIES: dict[str, Figure] = {**DEEP_LINEAR}

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
