"""A figure's numbers next to the published ones, in words, for page, terminal, JSON and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from functools import singledispatch

from critlab.analysis.information.exponential_fit import ExponentialFit
from critlab.analysis.information.plasticity import Plasticity
from critlab.analysis.sources.ignored_source import SourceBalance
from critlab.learning_tasks.metric import ACCURACY
from critlab.report.findings import (
    AccuracyAt,
    Comparison,
    Computed,
    Contrast,
    DamageAt,
    EntryShift,
    LargestShare,
    LayerGains,
    LayerRange,
    PeakPlace,
    Ratio,
    ReadingAt,
    Roughness,
    TracePeak,
    Value,
)
from critlab.report.text.figures.sources import balance_text
from critlab.report.text.names import damage_limits, score_text
from critlab.report.text.numbers import (
    decimal,
    gained,
    interval,
    percent,
    points,
    score,
    significant,
    with_error,
)

NOT_COMPUTED = "not computed at this scale"


@dataclass(frozen=True)
class ComparisonRow:
    """A comparison in words, as its names say."""

    what: str
    published: str
    source: str
    ours: str


def comparison_row(one: Comparison) -> ComparisonRow:
    """One comparison in words."""
    published = one.published if isinstance(one.published, str) else significant(one.published, 4)
    ours = value_text(one.ours) if one.ours is not None and one.computed else NOT_COMPUTED
    return ComparisonRow(one.what, published, one.source, ours)


def comparison_line(one: Comparison) -> str:
    """One comparison as a line of a terminal."""
    row = comparison_row(one)
    return f"{row.what}: {row.ours}; reference {row.published} ({row.source})"


def comparisons_csv(comparisons: Sequence[Comparison]) -> str:
    """The comparisons in words as CSV, one a row."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([field.name for field in fields(ComparisonRow)])
    writer.writerows(astuple(comparison_row(one)) for one in comparisons)
    return text.getvalue()


@singledispatch
def value_text(value: Value) -> str:
    """A value with its interval, n and place.

    Raises:
        TypeError: there are no words for its type.
    """
    raise TypeError(f"value_text: received {type(value).__name__}; must be a value of critlab.report.findings")


@value_text.register(float)
def _(value: float) -> str:
    return significant(value, 4)


@value_text.register
def _(value: DamageAt) -> str:
    point = value.point
    limits = interval(*damage_limits(point))
    return f"{points(point.damage.value)} {limits}, n = {point.n}, at epoch {point.at}"


@value_text.register
def _(value: AccuracyAt) -> str:
    point = value.point
    text = f"{score_text(point, ACCURACY)}, n = {point.n}, at epoch {point.at}"
    clean = ", ".join(f"{name} {percent(accuracy)}" for name, accuracy in value.clean)
    return f"{text}; {clean}" if clean else text


@value_text.register
def _(value: ReadingAt) -> str:
    found = value.found
    text = score(found.value, unit=value.unit)
    return text if found.difference is None else f"{text}; against the control {score(found.difference)}"


@value_text.register
def _(value: TracePeak) -> str:
    highest, last = significant(value.highest), significant(value.last)
    return f"peak {highest} after epoch {value.epoch}, {last} at the end (n = {value.n})"


@value_text.register
def _(value: Ratio) -> str:
    return f"{decimal(value.value, 2)} (n = {value.n})"


@value_text.register
def _(value: LayerRange) -> str:
    least, most = significant(value.least, 2), significant(value.most, 2)
    return f"{least} in {value.least_layer} to {most} in {value.most_layer}, n = {value.n}"


@value_text.register
def _(value: Roughness) -> str:
    return f"{decimal(value.mean, 2)} on average over {value.filters} filters, one seed"


@value_text.register
def _(value: Computed) -> str:
    text = with_error(value.value, value.error)
    return text if value.trusted else f"{text} (not converged)"


@value_text.register
def _(value: Contrast) -> str:
    limits = "[no interval]"
    if value.low is not None and value.high is not None:
        limits = f"[{gained(value.low)}, {gained(value.high)}]"
    return f"{gained(value.mean)} {limits}, n = {value.n}"


@value_text.register
def _(value: LayerGains) -> str:
    return ", ".join(f"layer {layer} {gained(gain)}" for layer, gain in value.gains)


@value_text.register
def _(value: EntryShift) -> str:
    deviation = decimal(value.prior_deviation, 4)
    return f"{gained(value.shift)} (theory {gained(value.theory)}); prior deviation {deviation}"


@value_text.register
def _(value: PeakPlace) -> str:
    return f"{decimal(value.chi, 2)} (g = {value.g})"


@value_text.register
def _(value: LargestShare) -> str:
    return f"at most {percent(value.share, 0)} over all widths shown"


@value_text.register
def _(value: ExponentialFit) -> str:
    formula = f"trace = {significant(value.amplitude)} exp({significant(value.rate)} x damage)"
    r_squared, rank = decimal(value.r_squared, 2), decimal(value.rank_correlation, 2)
    return f"{formula}, R2 = {r_squared}, rank correlation {rank}, {value.n} onsets"


@value_text.register
def _(value: Plasticity) -> str:
    words = f"{score(value.distance)}; {decimal(value.floor, 3)} from the readings' errors alone"
    if value.drift is None or value.beyond_drift is None:
        return words
    drift, beyond = decimal(value.drift.mean, 3), score(value.beyond_drift)
    return f"{words}; {drift} where the deficit is never removed, {beyond} more than that"


value_text.register(SourceBalance)(balance_text)
