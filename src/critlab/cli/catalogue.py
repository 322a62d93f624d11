"""What there is: every room's table and the named studies, as rows for a person or a program."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from critlab._core.imports import Entry
from critlab._core.spec import Spec
from critlab.cli.options_text import options_text
from critlab.data import DATA
from critlab.data.data_set import DataSet
from critlab.deficits import DEFICITS, Deficit
from critlab.measures import MEASURES
from critlab.models import MODELS
from critlab.objectives import OBJECTIVES
from critlab.papers.cost import cost
from critlab.papers.figure import Figure
from critlab.papers.registry import FIGURES
from critlab.study.schedules import CLOCKS
from critlab.study.sweeps import SWEEPS, Sweep

TABLES: dict[str, Mapping[str, Any]] = {
    "deficits": DEFICITS,
    "data": DATA,
    "models": MODELS,
    "measures": MEASURES,
    "objectives": OBJECTIVES,
    "sweeps": SWEEPS,
    "clocks": CLOCKS,
}
SHARED: dict[str, type[Spec]] = {"deficits": Deficit, "sweeps": Sweep}
"""Rooms whose components have options in common, which are listed once."""


def catalogue(what: str) -> list[dict[str, str]]:
    """The rows of ``critlab list WHAT``, each with ``name``, ``about`` and ``source``.

    Components that have options also have ``options``; those of :data:`SHARED` ``also``, which is what all of them
    take; papers' figures ``published`` and ``cost``, one statement a line.

    Args:
        what: a name of :data:`TABLES`, or ``figures``.
    """
    if what == "figures":
        return _figures()
    shared = SHARED.get(what, Spec)
    common = [f"  {line}" for line in options_text(shared)]
    also = [f"every {what.removesuffix('s')} also takes", *common] if what in SHARED else []
    return [
        {
            "name": name,
            "about": _about(entry),
            **_told("options", _options(entry, shared)),
            "source": entry.source if isinstance(entry, Entry) else entry.citation,
            **_told("also", also),
        }
        for name, entry in TABLES[what].items()
    ]


def _options(entry: Any, shared: type[Spec]) -> list[str]:
    """What the options of a component allow; nothing where it is a class without any."""
    options = entry.options if isinstance(entry, Entry) else entry
    return options_text(options, shared) if issubclass(options, Spec) else []


def _about(entry: Any) -> str:
    """What a component is, in one sentence: from its own docstring, or from that of the file in which it lies."""
    if isinstance(entry, DataSet):
        sides = " x ".join(map(str, entry.shape))
        return f"{entry.title}: {sides}, {entry.train:,} training and {entry.test:,} test images"
    own = _sentence((entry.options if isinstance(entry, Entry) else entry).__doc__)
    if not own.startswith("Options of"):
        return own
    module = entry.path.partition(":")[0]
    return _sentence(_docstring(module)) if module.startswith("critlab.") else ""


def _docstring(module: str) -> str | None:
    """Of one of our own files, read and not imported, since it may need torch."""
    found = find_spec(module)
    text = Path(found.origin).read_text(encoding="utf-8") if found and found.origin else ""
    return ast.get_docstring(ast.parse(text))


def _sentence(docstring: str | None) -> str:
    return " ".join((docstring or "").partition("\n\n")[0].replace("``", "").split())


def _told(key: str, lines: list[str]) -> dict[str, str]:
    return {key: "\n".join(lines)} if lines else {}


def _figures() -> list[dict[str, str]]:
    return [
        {
            "name": name,
            "about": f"{figure.question} (scales: {', '.join(figure.scales)})",
            "source": figure.source,
            **_told("published", _published(figure)),
            **_told("cost", _costs(figure)),
        }
        for name, figure in FIGURES.items()
    ]


def _published(figure: Figure) -> list[str]:
    return [f"{one.what}: {one.value} ({one.source})" for one in figure.published]


def _costs(figure: Figure) -> list[str]:
    return [f"{scale}: {found}" for scale in figure.scales if (found := cost(figure, scale)) is not None]
