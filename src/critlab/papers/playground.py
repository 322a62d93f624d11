"""The interactive pages of figures that have one."""

from __future__ import annotations

from pathlib import Path

from critlab.papers.registry import FIGURES
from critlab.store.delivery import check_page, deliver


def write_playground(name: str, out: Path) -> Path | None:
    """Write the interactive page of the figure called ``name`` to ``out``; None where there is no such page.

    Raises:
        StudyError: ``out`` is named like a file of another kind, or cannot be written.
    """
    figure = FIGURES.get(name)
    if figure is None or figure.playground is None:
        return None
    check_page(out)
    deliver(out, figure.playground().encode())
    return out
