"""The rows of ``critlab list``: the components of every registry, and the figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from critlab._core.errors import StudyError
from critlab._core.spec import Spec, nearest, shown
from critlab.cli.arguments.options_text import options_text
from critlab.data import DATA
from critlab.data.data_set import DataSet
from critlab.deficits import DEFICITS, Deficit
from critlab.engine.executors import EXECUTORS
from critlab.learning_tasks import SCORINGS, TASKS
from critlab.measures import MEASURES
from critlab.measures.likelihoods import LIKELIHOODS
from critlab.models import MODELS
from critlab.objectives import OBJECTIVES
from critlab.papers.cost import cost
from critlab.papers.figure import Figure, Scale
from critlab.papers.registry import FIGURES
from critlab.study.optimizers import OPTIMIZERS
from critlab.study.schedules import CLOCKS
from critlab.study.sweeps import SWEEPS, Sweep
from critlab.study.switches import SWITCHES

TABLES: dict[str, Mapping[str, Any]] = {
    "deficits": DEFICITS,
    "data": DATA,
    "models": MODELS,
    "measures": MEASURES,
    "likelihoods": LIKELIHOODS,
    "tasks": TASKS,
    "metrics": SCORINGS,
    "objectives": OBJECTIVES,
    "sweeps": SWEEPS,
    "switches": SWITCHES,
    "clocks": CLOCKS,
    "optimizers": OPTIMIZERS,
    "executors": EXECUTORS,
}
SHARED: dict[str, type[Spec]] = {"deficits": Deficit, "sweeps": Sweep}
"""Rooms whose components have options in common, which are listed once."""


def overview(scale: str | None = None) -> dict[str, list[str]]:
    """Return the names of every kind that ``critlab list`` can list, installed components included.

    Raises:
        StudyError: ``scale`` is given; it needs ``figures``.
    """
    if scale is not None:
        raise StudyError(f"--scale: received {shown(scale)} without a kind; only figures have scales: list figures")
    return {**{kind: list(table) for kind, table in TABLES.items()}, "figures": list(FIGURES)}


def catalogue(what: str, scale: str | None = None) -> list[dict[str, str]]:
    """Return the rows of ``critlab list WHAT``, each with ``name``, ``about`` and ``source``.

    Components with options also have ``options``. Components of :data:`SHARED` have ``also``, the options that all of
    them take. Figures have ``published`` and ``cost``, one statement a line.

    Args:
        what: a name of :data:`TABLES`, or ``figures``.
        scale: of figures, whose costs to count; None counts none.

    Raises:
        StudyError: there is no such scale, or ``what`` has none.
    """
    if what == "figures":
        return _figures(scale)
    if scale is not None:
        raise StudyError(f"--scale: received {shown(scale)}, but {what} have no scales; only figures do")
    shared = SHARED.get(what, Spec)
    common = [f"  {line}" for line in options_text(shared)]
    also = [f"every {what.removesuffix('s')} also takes", *common] if what in SHARED else []
    return [
        {
            "name": name,
            "about": _about(entry),
            **_lines("options", _options(entry, shared)),
            "source": entry.citation,
            **_lines("also", also),
        }
        for name, entry in TABLES[what].items()
    ]


def _options(kind: type[Any], shared: type[Spec]) -> list[str]:
    """Describe the options of a component; empty for a class without options."""
    return options_text(kind, shared) if issubclass(kind, Spec) else []


def _about(kind: type[Any]) -> str:
    """Return one sentence about a component: the facts of a data set, else the first of its docstring."""
    if issubclass(kind, DataSet) and kind.facts is not None:
        facts = kind.facts
        sides = " x ".join(map(str, facts.shape))
        return f"{facts.title}: {sides}, {facts.train:,} training and {facts.test:,} test images"
    return _sentence(kind.__doc__)


def _sentence(docstring: str | None) -> str:
    return " ".join((docstring or "").partition("\n\n")[0].replace("``", "").split())


def _lines(key: str, lines: list[str]) -> dict[str, str]:
    return {key: "\n".join(lines)} if lines else {}


def _figures(scale: str | None) -> list[dict[str, str]]:
    if scale not in (None, *get_args(Scale)):
        raise StudyError(f"--scale: received {shown(scale)}{nearest(str(scale), get_args(Scale))}")
    return [
        {
            "name": name,
            "about": f"{figure.question} (scales: {', '.join(figure.scales)})",
            "source": figure.source,
            **_lines("interactive page", [f"critlab report {name}"] if figure.playground else []),
            **_lines("published", _published(figure)),
            **_lines("cost", _costs(figure, scale)),
        }
        for name, figure in FIGURES.items()
    ]


def _published(figure: Figure) -> list[str]:
    return [f"{one.what}: {one.value} ({one.source})" for one in figure.published]


def _costs(figure: Figure, asked: str | None) -> list[str]:
    """Counted for one scale only, and only on request: counting builds the tree of every study."""
    scales = [scale for scale in figure.scales if scale == asked]
    return [f"{scale}: {found}" for scale in scales if (found := cost(figure, scale)) is not None]
