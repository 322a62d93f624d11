"""Answers of forks in words: is a training still sensitive to a deficit?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from critlab.analysis.statistics.anytime import AnytimeMean
from critlab.learning_tasks.metric import ACCURACY, Metric
from critlab.report.text.metric_words import MetricWords
from critlab.report.text.numbers import (
    count,
    decimal,
    limits,
    listing,
    percent,
    significant,
    significant_limits,
)

CONDITIONS: Mapping[str, str] = {
    "onset_share": "an onset at this share of the training",
    "total": "a training of this many epochs",
    "deprived": "windows of this many epochs",
    "clean": "this many clean epochs",
    "damage": "damage this large",
}


def untested_text(untested: Sequence[tuple[str, str | float, Sequence[str | float]]]) -> str:
    """Where the map's data do not cover a fork; empty where they do.

    Args:
        untested: condition, the value received, and the deficits, or the smallest and the largest value, in the data.
    """
    if not untested:
        return ""
    said = [_untested(*one) for one in untested]
    return f"The forecast was never tested for {listing(said)}."


def _untested(condition: str, received: str | float, allowed: Sequence[str | float]) -> str:
    if isinstance(received, str):
        return f"deficit {received!r} (tested: {', '.join(map(str, allowed)) or 'none'})"
    low, high = (float(one) for one in allowed)
    tested = f"tested: {significant(low)} to {significant(high)}" if low <= high else "tested: none"
    return f"{CONDITIONS[condition]} ({significant(received)}; {tested})"


DRAW = "draw it from the global generators of torch, numpy or random to have others"
REASONS: Mapping[str, str] = {
    "few repeats": "there are too few repeats for an interval",
    "identical repeats": f"the repeats do not differ and have no interval: the order of the data is fixed; {DRAW}",
    "between": "the interval of the damage now holds the smallest damage of interest",
    "healing": "how much of the damage now will remain is not known closely enough",
}


class Told(NamedTuple):
    """What a sentence says of an answer.

    Args:
        deficit: its name.
        onset: epochs trained before the forks.
        deprived: epochs with the deficit.
        clean: epochs after it.
        smallest: the smallest damage of interest.
        answer: ``open``, ``closed`` or ``undecided``.
        reason: a key of :data:`REASONS`; empty where it is decided.
        damage: after the last clean epoch.
        healing: the share of the damage that heals in a clean epoch; None where it is not known.
        forecast: estimate, low and high; None where there is none.
        note: where the forecast was never tested.
        ordered: whether the repeats had other orders of the data.
        metric: what the damage is one of.
    """

    deficit: str
    onset: int
    deprived: int
    clean: int
    smallest: float
    answer: str
    reason: str
    damage: AnytimeMean
    healing: float | None
    forecast: tuple[float, float, float] | None
    note: str
    ordered: bool
    metric: Metric = ACCURACY


def sensitivity_text(one: Told) -> str:
    """The answer for one deficit in words: the answer first, then the damage now, its healing, and the forecast."""
    said = [f"{headline(one)}."]
    damage, words = one.damage, MetricWords(one.metric)
    limits = "[no interval]" if not math.isfinite(damage.low) else words.interval(damage.low, damage.high)
    said.append(
        f"Damage after {count(one.deprived, 'epoch')} with it and {one.clean} without: {words.amount(damage.mean)} "
        f"{limits}, "
        f"n = {damage.n}."
    )
    if not one.ordered:
        said.append(f"All repeats had the same order of the data; {DRAW}.")
    if one.healing is not None and one.healing >= 0:
        said.append(f"In each clean epoch {percent(one.healing, 0)} of the damage heals.")
    elif one.healing is not None:
        said.append(f"In each clean epoch the damage grows by {percent(-one.healing, 0)}.")
    if one.forecast is None:
        said.append("There is no forecast of the damage at the end of the training.")
    else:
        estimate, low, high = one.forecast
        amount = f"{words.amount(estimate)} {words.interval(low, high)}"
        said.append(f"Forecast for the end of the training: {amount}.")
        said += [one.note] if one.note else []
    return " ".join(said)


def headline(one: Told) -> str:
    """The answer alone, such as ``At epoch 4, the period for blur is open, to within 1.0 point``."""
    at, within = (
        f"At epoch {one.onset}, the period for {one.deficit}",
        f"to within {MetricWords(one.metric).amount(one.smallest)}",
    )
    if one.answer == "undecided":
        return f"{at} may be open or closed: {REASONS[one.reason]}"
    what = "" if one.forecast is not None else " by the damage now"
    return f"{at} is {one.answer}{what}, {within}"


def closing_text(deficit: str, answer: str, low: float, high: float, estimate: float | None) -> str:
    """When a period closed, such as ``blur: closed at epoch 7.5 [6, 9]``."""
    if answer == "closed" and low == high:
        return f"{deficit}: closed since the first fork, at epoch {significant(high)}"
    if answer == "closed" and estimate is not None:
        return f"{deficit}: closed at epoch {significant(estimate)} {significant_limits(low, high)}"
    if answer == "open":
        return f"{deficit}: open at epoch {significant(low)}"
    return f"{deficit}: undecided" + (f", last found open at epoch {significant(low)}" if low else "")


def course_text(closings: Mapping[str, tuple[str, float, float, float | None]]) -> str:
    """When each period closed, a line for each deficit.

    Args:
        closings: answer, low, high and estimate by deficit.
    """
    if not closings:
        return "No answers yet: no checkpoint could be forked."
    return "\n".join(closing_text(name, *one) for name, one in closings.items())


def worth_text(worth: Mapping[str, tuple[float, float, float]]) -> str:
    """What the signals are worth by the bench.

    Args:
        worth: of each signal, its rank correlation with the damage that remains, low and high; at least one.
    """
    said = [f"{name} {decimal(value, 2)} {limits(low, high, 2)}" for name, (value, low, high) in worth.items()]
    return f"Rank correlation with the damage that remains, on trainings that the bench holds out: {', '.join(said)}."
