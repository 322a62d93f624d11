"""What a figure found and what was published, as values; ``report/text/figures/comparisons.py`` words them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from critlab.analysis.curve_points import CurvePoint
from critlab.analysis.effects.control_comparison import ControlComparison
from critlab.analysis.information.exponential_fit import ExponentialFit
from critlab.analysis.information.plasticity import Plasticity
from critlab.analysis.sources.ignored_source import SourceBalance
from critlab.report.chart import Cell, Chart


@dataclass(frozen=True)
class DamageAt:
    """The damage at a point of a curve."""

    point: CurvePoint


@dataclass(frozen=True)
class AccuracyAt:
    """The accuracy at a point of a curve, and the clean accuracies to read it against, by their names."""

    point: CurvePoint
    clean: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class ReadingAt:
    """A measured quantity at the end of a run or of its deficit, with its difference from the control.

    Args:
        found: over seeds.
        unit: empty for a number without one.
    """

    found: ControlComparison
    unit: str = ""


@dataclass(frozen=True)
class TracePeak:
    """The course of a trace: its largest mean over seeds, the epoch of that, and the mean at the end over ``n``."""

    highest: float
    epoch: int
    last: float
    n: int


@dataclass(frozen=True)
class Ratio:
    """A quotient of two means over ``n`` seeds."""

    value: float
    n: int


@dataclass(frozen=True)
class LayerRange:
    """The layers with the smallest and with the largest value, means over ``n`` seeds."""

    least: float
    least_layer: str
    most: float
    most_layer: str
    n: int


@dataclass(frozen=True)
class Roughness:
    """The mean roughness of a layer's filters, from 0 to 1, of one seed."""

    mean: float
    filters: int


@dataclass(frozen=True)
class Computed:
    """A number of a theory or of its sampler.

    Args:
        value: the number.
        error: its standard error; None where it has none.
        trusted: whether what computed it converged.
    """

    value: float
    error: float | None = None
    trusted: bool = True


@dataclass(frozen=True)
class Contrast:
    """A difference between settings, paired by seed, with its 95 % t interval over ``n`` seeds."""

    mean: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class LayerGains:
    """What each layer gains, by its number."""

    gains: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class EntryShift:
    """How far data move the mean of a kernel entry: measured, in theory, and the prior's standard deviation."""

    shift: float
    theory: float
    prior_deviation: float


@dataclass(frozen=True)
class PeakPlace:
    """The susceptibility ``chi`` and the weight scale ``g`` at which something is largest."""

    chi: float
    g: float


@dataclass(frozen=True)
class LargestShare:
    """The largest of several shares, as a fraction."""

    share: float


Value = (
    float
    | DamageAt
    | AccuracyAt
    | ReadingAt
    | TracePeak
    | Ratio
    | LayerRange
    | Roughness
    | Computed
    | Contrast
    | LayerGains
    | EntryShift
    | PeakPlace
    | LargestShare
    | ExponentialFit
    | Plasticity
    | SourceBalance
)
"""What a figure can have found."""


@dataclass(frozen=True)
class Comparison:
    """One number of a paper next to ours.

    Args:
        what: which quantity.
        published: the published number or statement; ``"not stated"`` where there is none.
        source: where it was published, or how it came to us.
        ours: our value; None or not a number where the scale does not compute it.
    """

    what: str
    published: str | float
    source: str
    ours: Value | None

    @property
    def computed(self) -> bool:
        """Whether the scale computes our value."""
        return self.ours is not None and not (isinstance(self.ours, float) and math.isnan(self.ours))


@dataclass(frozen=True)
class Findings:
    """A figure of a theory, computed: what a page shows where there are no runs.

    Args:
        name: the figure's.
        question: what it asks, one sentence.
        source: paper and figure, or ``"ours"``.
        charts: what is drawn.
        comparisons: our numbers next to the published ones.
        provenance: what was computed on what, as plain JSON values.
        command: what repeats it.
        masthead: what a page of it alone is called.
        title: of the page, in words; the question where it is empty.
        answer: what the answer is shown as (``present``, ``absent``, ``undecided``, ``done``), and the answer in a few
            words; empty where there is none.
        headline: the answer's number in a line.
        notes: how to read it.
        playground: address of the interactive page next to this one; empty where there is none.
        lines: the answer in words, one line each, the sentence first.
        table: names of columns, and rows; None where there is none.
    """

    name: str
    question: str
    source: str
    charts: Sequence[Chart]
    comparisons: Sequence[Comparison]
    provenance: Mapping[str, Any] = field(default_factory=dict)
    command: str = ""
    masthead: str = "A figure of the theory"
    title: str = ""
    answer: tuple[str, str] = ("", "")
    headline: str = ""
    notes: tuple[str, ...] = ()
    playground: str = ""
    lines: tuple[str, ...] = ()
    table: tuple[tuple[str, ...], tuple[tuple[Cell, ...], ...]] | None = None
