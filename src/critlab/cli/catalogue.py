"""The rows of ``critlab list``: the components of every registry, and the figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, get_args

from critlab._core.errors import StudyError
from critlab._core.loading.imports import imported
from critlab._core.problems import nearest, shown
from critlab._core.spec import Spec
from critlab.cli.arguments.options_text import options_text

if TYPE_CHECKING:
    from critlab.papers.figure import Figure

REGISTRIES = {
    "deficits": "critlab.deficits:DEFICITS",
    "data": "critlab.data:DATA",
    "models": "critlab.models:MODELS",
    "measures": "critlab.measures:MEASURES",
    "likelihoods": "critlab.measures.likelihoods:LIKELIHOODS",
    "tasks": "critlab.learning_tasks:TASKS",
    "metrics": "critlab.learning_tasks:SCORINGS",
    "objectives": "critlab.objectives:OBJECTIVES",
    "sweeps": "critlab.study.sweeps:SWEEPS",
    "switches": "critlab.study.switches:SWITCHES",
    "clocks": "critlab.study.schedules:CLOCKS",
    "optimizers": "critlab.study.optimizers:OPTIMIZERS",
    "executors": "critlab.engine.executors:EXECUTORS",
}
"""Where the components of each kind are; a list of one kind imports no other."""
SHARED = {"deficits": "critlab.deficits:Deficit", "sweeps": "critlab.study.sweeps:Sweep"}
"""Kinds whose components have options in common, which are listed once."""


class _Tables(Mapping[str, Mapping[str, Any]]):
    """The components by kind and name, each kind imported on first use."""

    def __getitem__(self, kind: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = imported(REGISTRIES[kind])
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(REGISTRIES)

    def __len__(self) -> int:
        return len(REGISTRIES)


TABLES: Mapping[str, Mapping[str, Any]] = _Tables()


def overview(scale: str | None = None) -> dict[str, list[str]]:
    """Return the names of every kind that ``critlab list`` can list, installed components included.

    Raises:
        StudyError: ``scale`` is given; it needs ``figures``.
    """
    if scale is not None:
        raise StudyError(f"--scale: received {shown(scale)} without a kind; only figures have scales: list figures")
    from critlab.papers.registry import FIGURES

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
    shared: type[Spec] = imported(SHARED[what]) if what in SHARED else Spec
    common = [f"  {line}" for line in options_text(shared)]
    also = [f"every {what.removesuffix('s')} also takes", *common] if what in SHARED else []
    return [
        {
            "name": name,
            "about": _about(entry, what),
            **_lines("options", _options(entry, shared)),
            "source": entry.citation,
            **_lines("also", also),
        }
        for name, entry in TABLES[what].items()
    ]


def _options(kind: type[Any], shared: type[Spec]) -> list[str]:
    """Describe the options of a component; empty for a class without options."""
    return options_text(kind, shared) if issubclass(kind, Spec) else []


def _about(kind: type[Any], what: str) -> str:
    """Return one sentence about a component: the facts of a data set, else the first of its docstring."""
    facts = kind.facts if what == "data" else None
    if facts is None:
        return _sentence(kind.__doc__)
    sides = " x ".join(map(str, facts.shape))
    return f"{facts.title}: {sides}, {facts.train:,} training and {facts.test:,} test images"


def _sentence(docstring: str | None) -> str:
    return " ".join((docstring or "").partition("\n\n")[0].replace("``", "").split())


def _lines(key: str, lines: list[str]) -> dict[str, str]:
    return {key: "\n".join(lines)} if lines else {}


def _figures(scale: str | None) -> list[dict[str, str]]:
    from critlab.papers.figure import Scale
    from critlab.papers.registry import FIGURES

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
    from critlab.papers.cost import cost

    scales = [scale for scale in figure.scales if scale == asked]
    return [f"{scale}: {found}" for scale in scales if (found := cost(figure, scale)) is not None]
