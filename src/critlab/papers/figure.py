"""What a figure of a paper is: a question, studies or tables that answer it, charts, and the published numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from critlab._core.errors import StudyError
from critlab._core.problems import nearest
from critlab.analysis.tables.results import Results
from critlab.report.chart import Chart
from critlab.report.findings import Comparison, Value
from critlab.study.study import Study

Scale = Literal["demo", "small", "medium", "paper"]
STUDY_SCALES: tuple[Scale, ...] = ("paper", "small", "demo")
"""Scales of a figure that is made of studies; ``plan`` and ``run`` take the first by default."""
MEDIUM_SCALES: tuple[Scale, ...] = ("paper", "medium", "small", "demo")
"""Scales of a figure that has one between ``small`` and ``paper``, too."""
THEORY_SCALES: tuple[Scale, ...] = ("small", "paper")
"""Scales of a figure that is computed from a theory."""

JSON = dict[str, Any]
Studies = Mapping[str, Study]
"""Studies by the part of the figure that they are; a figure's name alone stands for the first."""
Found = Mapping[str, Results]
"""The results of each part, in the order of :data:`Studies`."""
Tables = Mapping[str, Sequence[JSON]]
"""Rows of plain JSON values by the name of the table."""
Answer = Any
"""What charts and comparisons read: :data:`Found` of a figure with studies, else :data:`Tables`."""


@dataclass(frozen=True)
class Published:
    """A published number or statement.

    Args:
        what: the quantity.
        value: a number, or words with units.
        source: the paper, or the secondary source that states it.
        ours: reads our number from the figure's tables; NaN where the scale does not compute it. None where the
            figure's own ``compare`` finds our value.
    """

    what: str
    value: str | float
    source: str
    ours: Callable[[Tables], float] | None = None

    def beside(self, ours: Value, what: str = "") -> Comparison:
        """One row of the comparison: this statement, and our value."""
        return Comparison(what or self.what, self.value, self.source, ours)

    def compared(self, tables: Tables) -> Comparison:
        """The same with our number read from ``tables``."""
        return self.beside(math.nan if self.ours is None else float(self.ours(tables)))


def _no_charts(answer: Answer) -> Sequence[Chart]:
    return ()


@dataclass(frozen=True)
class Figure:
    """A figure of a paper, or a question of our own.

    Exactly one of ``studies`` and ``tables`` is given.

    Args:
        question: what it asks, one sentence that ends with a question mark.
        source: paper and figure, or ``"ours"``.
        scales: the scales that it has, the default of ``plan`` and ``run`` first.
        studies: makes its studies at a scale, by part.
        tables: computes its tables at a scale; depends on nothing but the scale.
        published: the published numbers.
        charts: draws all parts together, in addition to the charts of each study; pure.
        compare: compares our numbers with published ones; None compares each :class:`Published` that reads ``ours``.
        version: of the tables; raise it whenever they change.
        playground: makes an interactive HTML page of the figure; None where there is none.
    """

    question: str
    source: str
    scales: tuple[Scale, ...] = STUDY_SCALES
    studies: Callable[[Scale], Studies] | None = None
    tables: Callable[[Scale], Tables] | None = None
    published: tuple[Published, ...] = ()
    charts: Callable[[Answer], Sequence[Chart]] = _no_charts
    compare: Callable[[Answer], Sequence[Comparison]] | None = None
    version: int = 1
    playground: Callable[[], str] | None = None

    def __post_init__(self) -> None:
        if (self.studies is None) == (self.tables is None):
            raise StudyError("figure: must have either studies or tables, and not both")

    @property
    def default_scale(self) -> Scale:
        """The scale of ``reproduce`` where none is named: small, or the only one."""
        return "small" if "small" in self.scales else self.scales[0]

    def scale(self, name: str, asked: str | None, default: Scale) -> Scale:
        """The scale ``asked``, or ``default`` where it is None.

        Raises:
            StudyError: the figure called ``name`` does not have that scale.
        """
        for scale in self.scales:
            if scale == (asked or default):
                return scale
        raise StudyError(f"--scale: received {asked!r} for {name}{nearest(asked or default, self.scales)}")

    def parts(self, scale: Scale) -> Studies:
        """Its studies at ``scale``.

        Raises:
            StudyError: it is computed and has none.
        """
        if self.studies is None:
            raise StudyError("this figure is computed and has no study; use critlab reproduce")
        return self.studies(scale)

    def comparisons(self, answer: Answer) -> Sequence[Comparison]:
        """Our numbers next to the published ones, without those that the scale does not compute."""
        if self.compare is not None:
            rows = self.compare(answer)
        else:
            rows = [one.compared(answer) for one in self.published if one.ours is not None]
        return [row for row in rows if row.computed]


def single(make: Callable[[Scale], Study]) -> Callable[[Scale], Studies]:
    """The studies of a figure that has one part."""
    return lambda scale: {"study": make(scale)}
