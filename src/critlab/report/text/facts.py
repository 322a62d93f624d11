"""The numbers of a verdict, one label each, for the page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from critlab.analysis.verdict import Verdict
from critlab.report.text.numbers import hundredths, interval, places, points, probability
from critlab.report.text.verdict import epochs_interval


class Fact(NamedTuple):
    """A labelled number, and what explains it."""

    name: str
    value: str
    detail: str


def facts(verdict: Verdict) -> Iterator[Fact]:
    """Closing, largest damage, detectable damage and p value, as far as they are known."""
    closing = verdict.closing
    if closing is not None:
        detail = epochs_interval(closing) + ("; the sweep may end too early" if closing.open_ended else "")
        yield Fact("Closes about epoch", f"{closing.epoch:.1f}", detail)
    elif verdict.answer != "present":
        yield Fact("Closes about epoch", "–", "given only where a period is present")
    if verdict.largest is not None:
        point = verdict.largest
        where = f"n = {point.n}, at {places(verdict.sweep, [point.at])}"
        found = f"{points(point.damage.value)} {interval(point.low, point.high)}, {where}"
        if point.damage.value < 0 and hundredths(point.damage.value) != "0.0":
            yield Fact("Largest damage", "none", f"no point has damage in the mean; the highest is {found}")
        else:
            detail = f"points {interval(point.low, point.high)}, {where}"
            yield Fact("Largest damage", hundredths(point.damage.value), detail)
    least = verdict.minimum_detectable
    needed = f"at least {verdict.minimum_seeds} seeds are needed"
    detail = needed if least is None else "points, with 80 % power, at one point"
    yield Fact("Smallest detectable damage", hundredths(least), detail)
    if verdict.p_value is not None and verdict.strongest is not None:
        detail = (
            f"{places(verdict.sweep, [verdict.strongest.at])}, the most significant point: damage above "
            f"{points(verdict.smallest_damage)}, one-sided, Holm-adjusted; present needs a value below "
            f"{verdict.level:g}"
        )
        yield Fact("p value", probability(verdict.p_value).removeprefix("p ").removeprefix("= "), detail)
