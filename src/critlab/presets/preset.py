"""A named question: one study, or several that make a paper's figure together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from critlab.analysis.results import Results
from critlab.report.chart import Chart
from critlab.report.findings import Comparison
from critlab.study.study import Study

Scale = Literal["demo", "small", "paper"]
SCALES: tuple[Scale, ...] = ("paper", "small", "demo")
"""Those of a paper's figure that is made of studies."""
Studies = Mapping[str, Study]
"""Studies by the name of the part of a figure that they are; the first is what the figure's name alone stands for."""
Found = Mapping[str, Results]
"""The results of each part of a figure, in the order of :data:`Studies`."""


@dataclass(frozen=True)
class Published:
    """A number of a paper, and how it came to us.

    Args:
        what: which quantity.
        value: in words, with units.
        source: the paper, or the secondary source that states it.
    """

    what: str
    value: str
    source: str


@dataclass(frozen=True)
class Cost:
    """What a scale costs.

    Args:
        epochs: trained, over all parts and seeds, with sharing; a test counts them.
        examples: training images of one epoch.
        minutes: as measured, with the machine in ``measured``; None where it was never run.
        measured: on what.
    """

    epochs: int
    examples: int
    minutes: float | None = None
    measured: str = ""

    def __str__(self) -> str:
        work = f"{self.epochs:,} epochs of {self.examples:,} images"
        return work if self.minutes is None else f"{work}, {self.minutes:g} min on {self.measured}"


@dataclass(frozen=True)
class Preset:
    """A named question.

    Args:
        studies: gives its parts at a scale.
        scales: the scales that it has; ``plan`` and ``run`` take the first by default, ``reproduce`` small.
        source: paper and figure, or ``"ours"``.
        question: what it asks.
        published: the published numbers.
        costs: of each scale.
        draw: what is drawn of all parts together, beside each study's own charts.
        compare: sets the results beside the published numbers.
    """

    studies: Callable[[Any], Studies]
    scales: tuple[Scale, ...]
    source: str
    question: str
    published: tuple[Published, ...] = ()
    costs: Mapping[str, Cost] = field(default_factory=dict)
    draw: Callable[[Found], Sequence[Chart]] = lambda found: ()
    compare: Callable[[Found], Sequence[Comparison]] = lambda found: ()

    @property
    def smallest(self) -> Scale:
        """The scale that ``reproduce`` takes where none is named: small, or the only one."""
        return "small" if "small" in self.scales else self.scales[0]


def one(make: Callable[[Any], Study]) -> Callable[[Any], Studies]:
    """The parts of a preset that is a single study."""
    return lambda scale: {"study": make(scale)}
