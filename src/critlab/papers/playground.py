"""The interactive pages of figures that have one."""

from __future__ import annotations

from pathlib import Path

from critlab.papers.registry import FIGURES
from critlab.store import atomic


def write_playground(name: str, out: Path) -> Path | None:
    """Write the interactive page of the figure called ``name`` to ``out``; None where there is no such page."""
    figure = FIGURES.get(name)
    if figure is None or figure.playground is None:
        return None
    atomic.write(out, figure.playground().encode())
    return out
