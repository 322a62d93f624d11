"""Is the period still open? A rule on the training loss, or on the trace of the Fisher information, as far as known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Name = Literal["unknown", "opening", "open", "closing", "closed"]
Floats = NDArray[np.float64]

FEWEST = 5
"""Readings before anything is said."""

RESAMPLES = 400


@dataclass(frozen=True)
class Rule:
    """What a phase is told by.

    Args:
        left: the share of a fall that is left where the period counts as closed.
        words: for people.
        source: of the rule.
    """

    left: float
    words: str
    source: str


LOSS = Rule(
    0.3,
    "the training loss: opening while it does not surely fall, open while it falls and does not surely slow down, "
    "closing once it slows down, closed once it has come seven tenths of the way to where it is heading",
    "Ours, chosen on half of the set-ups of evidence/watch.py; on the other half as near to the measured closing as "
    "any rule that was tried, within their errors, and much nearer than the Fisher trace",
)
TRACE = Rule(
    0.5,
    "the trace of the Fisher information: opening while it rises, open near its peak, closing once it is surely below "
    "its peak, closed below half of its peak",
    "For the rise and fall with the period: Achille, Rovere and Soatto 2019, sections 3 and 4; the limits are ours. In "
    "evidence/watch.py it did not tell when the measured period closes: give the watch the loss",
)
STEADY = 0.9
"""A loss that falls in the second half of its way by this share of its fall in the first heads nowhere yet."""


@dataclass(frozen=True)
class Phase:
    """What the rule says after the latest reading.

    Args:
        name: ``unknown`` before five readings; else ``opening``, ``open``, ``closing`` or ``closed``.
        closing: the step at which what the rule follows falls, or will fall, below its share of the largest value:
            interpolated where it is past, else extrapolated along the exponential from there; None where it does not
            fall yet.
        low: lower limit of ``closing``, 95 % over the errors of the readings; the latest step where it does not fall.
        high: upper limit likewise; None where it is not bounded.
        rule: what it is told by.
    """

    name: Name
    closing: float | None
    low: float | None
    high: float | None
    rule: Rule = TRACE


def phase_by_loss(steps: Sequence[float], losses: Sequence[float], errors: Sequence[float]) -> Phase:
    """The phase by the training loss.

    Args:
        steps: where the readings lie, increasing.
        losses: their means.
        errors: their standard errors.

    Error: the limits hold for the errors of the readings; that the loss comes to rest as an exponential is an
    assumption, and a later fall of the learning rate breaks it.
    """
    if len(steps) < FEWEST:
        return Phase("unknown", None, None, None, LOSS)
    at, smooth, drawn = _smooth(steps, losses, errors)
    first, second = (ways[0] for ways in halves(at, smooth[None]))
    firsts, seconds = halves(at, drawn)
    if first + second <= 2 * (firsts + seconds).std():
        return Phase("opening", None, float(at[-1]), None, LOSS)
    [closing] = settling_step(at, smooth[None], LOSS.left)
    if first - second <= 2 * (firsts - seconds).std() or not math.isfinite(closing):
        return Phase("open", None, float(at[-1]), None, LOSS)
    return _closing(at[-1], closing, settling_step(at, drawn, LOSS.left), LOSS)


def phase_by_trace(steps: Sequence[float], values: Sequence[float], errors: Sequence[float]) -> Phase:
    """The phase by the trace of the Fisher information.

    Args:
        steps: where the readings lie, increasing.
        values: the trace at each.
        errors: its standard errors.

    Error: the limits hold for the errors of the readings; that the fall goes on as it began is an assumption.
    """
    if len(steps) < FEWEST:
        return Phase("unknown", None, None, None, TRACE)
    at, smooth, drawn = _smooth(steps, values, errors)
    deviation = drawn.std(axis=0)
    peak, last = int(smooth.argmax()), len(smooth) - 1
    fallen = smooth[peak] - smooth[last] > 2 * math.hypot(deviation[peak], deviation[last])
    if not fallen:
        before = (2 * last) // 3
        rises = smooth[last] - smooth[before] > 2 * math.hypot(deviation[last], deviation[before])
        return Phase("opening" if rises else "open", None, float(at[-1]), None, TRACE)
    return _closing(at[-1], closing_step(at, smooth, TRACE.left), closing_step(at, drawn, TRACE.left), TRACE)


def _smooth(steps: Sequence[float], values: Sequence[float], errors: Sequence[float]) -> tuple[Floats, Floats, Floats]:
    """The steps, the readings smoothed, and as many readings as might have been, ``(RESAMPLES, readings)``."""
    at, value, error = (np.asarray(given, dtype=np.float64) for given in (steps, values, errors))
    drawn = value + error * np.random.default_rng(RESAMPLES).standard_normal((RESAMPLES, len(value)))
    return at, smoothed(value), smoothed(drawn)


def _closing(now: float, closing: Floats, drawn: Floats, rule: Rule) -> Phase:
    low, high = np.quantile(drawn, [0.025, 0.975], method="inverted_cdf")
    bound = float(high) if math.isfinite(high) else None
    return Phase(
        "closed" if closing <= now else "closing", float(closing), min(float(low), float(closing)), bound, rule
    )


def halves(at: Floats, losses: Floats) -> tuple[Floats, Floats]:
    """How far each loss fell from its largest value until halfway to now, and from there until now.

    Args:
        at: steps, ``(readings,)``.
        losses: ``(runs, readings)``; between readings on straight lines.

    Returns:
        Twice ``(runs,)``.
    """
    top = losses.argmax(axis=-1)
    middle = (at[top] + at[-1]) / 2
    after = np.clip(np.searchsorted(at, middle), 1, len(at) - 1)
    share = (middle - at[after - 1]) / (at[after] - at[after - 1])
    runs = np.arange(len(losses))
    then = losses[runs, after - 1] * (1 - share) + losses[runs, after] * share
    return losses[runs, top] - then, then - losses[:, -1]


def settling_step(at: Floats, losses: Floats, left: float) -> Floats:
    """Where each loss has come so far that only the share ``left`` of its way is left.

    It is heading where the exponential through its largest value, now and halfway between them comes to rest; where it
    fell no more of late, to its least value.

    Args:
        at: steps, ``(readings,)``.
        losses: ``(runs, readings)``.
        left: between 0 and 1.

    Returns:
        Steps, ``(runs,)``: between the readings around the crossing, or ahead on that exponential; infinite where the
        loss does not slow down.
    """
    first, second = halves(at, losses)
    now, top = losses[:, -1], losses.max(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = second / first
        rest = np.where(second > 0, now - second * ratio / (1 - ratio), losses.min(axis=-1))
        goal = rest + left * (top - rest)
        half = (at[-1] - at[losses.argmax(axis=-1)]) / 2
        ahead = at[-1] + half * np.log((goal - rest) / (now - rest)) / np.log(ratio)
        # what is left of the way; a loss that heads nowhere has none, and is sorted out below
        way = (losses - rest[:, None]) / np.where(top > rest, top - rest, 1.0)[:, None]
    crossed = closing_step(at, way, left)
    found = np.where((way <= left).any(axis=-1), crossed, ahead)
    return np.asarray(np.where((first > 0) & (ratio < STEADY) & ~np.isnan(found), found, math.inf))


def smoothed(values: Floats) -> Floats:
    """Means of each reading and its neighbours, along the last axis; at the ends of the two that there are."""
    before, after = values[..., :-1], values[..., 1:]
    sums, counts = values.copy(), np.ones(values.shape[-1])
    sums[..., 1:] += before
    sums[..., :-1] += after
    counts[1:] += 1
    counts[:-1] += 1
    return np.asarray(sums / counts)


def closing_step(at: Floats, traces: Floats, left: float) -> Floats:
    """Where each trace falls below ``left`` of its peak.

    Args:
        at: steps, ``(readings,)``.
        traces: ``(..., readings)``.
        left: between 0 and 1.

    Returns:
        Steps, ``(...)``: between the readings around the first crossing after the peak; where there is none, on the
        exponential through the peak and the last reading; infinite where that does not fall.
    """
    peak = traces.argmax(axis=-1)[..., None]
    height = np.take_along_axis(traces, peak, -1)
    level = left * height
    below = (traces <= level) & (np.arange(at.size) > peak)
    after = below.argmax(axis=-1)[..., None]
    before = np.maximum(after - 1, 0)
    upper, lower = (np.take_along_axis(traces, place, -1) for place in (before, after))
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = at[before] + (at[after] - at[before]) * (upper - level) / np.where(
            upper == lower, 1.0, upper - lower
        )
        rate = np.log(height / traces[..., -1:]) / (at[-1] - at[peak])
        ahead = np.where(rate > 0, at[peak] - math.log(left) / rate, math.inf)
    found = np.where(below.any(axis=-1, keepdims=True), crossing, np.maximum(ahead, at[-1]))
    return np.asarray(np.where(np.isnan(found), math.inf, found)[..., 0])
