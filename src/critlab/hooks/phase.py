"""Is the period still open? A rule on the training loss, or on the trace of the Fisher information, as far as known."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
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
        fall: the share of its largest value so far, after which the period counts as closed.
        words: for people.
        source: of the rule.
    """

    fall: float
    words: str
    source: str


PART = 0.5
"""The last part of the training so far in which the fall of the loss is read."""

LOSS = Rule(
    0.2,
    "how fast the training loss falls, over the last half of the training so far. opening: ever faster; open: about as "
    "fast as ever; closing: surely slower; closed: less than a fifth as fast as at its fastest",
    "ours; chosen on half of the set-ups of evidence/watch.py; on the other half it came as near to the measured "
    "closing as any rule that was tried, and much nearer than the Fisher trace",
)
TRACE = Rule(
    0.5,
    "the trace of the Fisher information. opening: it still rises; open: it stays near its peak; closing: it is surely "
    "below its peak; closed: it is below half of its peak",
    "Achille, Rovere and Soatto 2019, sections 3 and 4, for the rise and fall with the period; the limits are ours. In "
    "evidence/watch.py it did not tell when the measured period closes: give the watch the loss",
)


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


def plateau(steps: Sequence[float], losses: Sequence[float], errors: Sequence[float]) -> Phase:
    """The phase by the training loss.

    Args:
        steps: where the readings lie, increasing.
        losses: their means.
        errors: their standard errors.

    Error: the limits hold for the errors of the readings; that the fall slows down as it began is an assumption.
    """
    at, loss, error = (np.asarray(given, dtype=np.float64) for given in (steps, losses, errors))
    return _judged(at, loss, error, LOSS, falling)


def phase(steps: Sequence[float], values: Sequence[float], errors: Sequence[float]) -> Phase:
    """The phase by the trace of the Fisher information.

    Args:
        steps: where the readings lie, increasing.
        values: the trace at each.
        errors: its standard errors.

    Error: the limits hold for the errors of the readings; that the fall goes on as it began is an assumption.
    """
    at, trace, error = (np.asarray(given, dtype=np.float64) for given in (steps, values, errors))
    return _judged(at, trace, error, TRACE, lambda at, values: (at, values))


def _judged(
    at: Floats, values: Floats, errors: Floats, rule: Rule, follow: Callable[[Floats, Floats], tuple[Floats, Floats]]
) -> Phase:
    noise = np.random.default_rng(RESAMPLES).standard_normal((RESAMPLES, len(values)))
    at, followed = follow(at, np.vstack([values, values + errors * noise]))
    if len(at) < FEWEST:
        return Phase("unknown", None, None, None, rule)
    smooth, *_ = smooth_drawn = smoothed(followed)
    deviation = smooth_drawn[1:].std(axis=0)
    peak, last = int(smooth.argmax()), len(smooth) - 1
    fallen = smooth[peak] > 0 and smooth[peak] - smooth[last] > 2 * math.hypot(deviation[peak], deviation[last])
    if not fallen:
        before = (2 * last) // 3
        rises = smooth[last] - smooth[before] > 2 * math.hypot(deviation[last], deviation[before])
        return Phase("opening" if rises else "open", None, float(at[-1]), None, rule)
    crossed = bool((smooth[peak:] <= rule.fall * smooth[peak]).any())
    closing = float(closing_step(at, smooth, rule.fall))
    low, high = np.quantile(closing_step(at, smooth_drawn[1:], rule.fall), [0.025, 0.975], method="inverted_cdf")
    bound = float(high) if math.isfinite(high) else None
    return Phase("closed" if crossed else "closing", closing, float(low), bound, rule)


def falling(at: Floats, losses: Floats) -> tuple[Floats, Floats]:
    """How fast a loss falls: by step t, ``(L(t / 2) - L(t)) / (t / 2)``, so that no length of training is presumed.

    Args:
        at: steps of the readings, ``(readings,)``, counted from the beginning of the training.
        losses: ``(..., readings)``; between readings on straight lines.

    Returns:
        The later steps, from the first whose half is not before the first reading, and the speeds there.
    """
    back = (1 - PART) * at
    told = back >= at[:1]
    after = np.clip(np.searchsorted(at, back[told]), 1, max(1, len(at) - 1))
    if not told.any():
        return at[told], losses[..., told]
    share = (back[told] - at[after - 1]) / (at[after] - at[after - 1])
    then = losses[..., after - 1] * (1 - share) + losses[..., after] * share
    return at[told], (then - losses[..., told]) / (at[told] - back[told])


def smoothed(values: Floats) -> Floats:
    """Means of each reading and its neighbours, along the last axis; at the ends of the two that there are."""
    before, after = values[..., :-1], values[..., 1:]
    sums, counts = values.copy(), np.ones(values.shape[-1])
    sums[..., 1:] += before
    sums[..., :-1] += after
    counts[1:] += 1
    counts[:-1] += 1
    return np.asarray(sums / counts)


def closing_step(at: Floats, traces: Floats, fall: float) -> Floats:
    """Where each trace falls below ``fall`` of its peak.

    Args:
        at: steps, ``(readings,)``.
        traces: ``(..., readings)``.
        fall: between 0 and 1.

    Returns:
        Steps, ``(...)``: between the readings around the first crossing after the peak; where there is none, on the
        exponential through the peak and the last reading; infinite where that does not fall.
    """
    peak = traces.argmax(axis=-1)[..., None]
    height = np.take_along_axis(traces, peak, -1)
    level = fall * height
    below = (traces <= level) & (np.arange(at.size) > peak)
    after = below.argmax(axis=-1)[..., None]
    before = np.maximum(after - 1, 0)
    upper, lower = (np.take_along_axis(traces, place, -1) for place in (before, after))
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = at[before] + (at[after] - at[before]) * (upper - level) / np.where(
            upper == lower, 1.0, upper - lower
        )
        rate = np.log(height / traces[..., -1:]) / (at[-1] - at[peak])
        ahead = np.where(rate > 0, at[peak] - math.log(fall) / rate, math.inf)
    found = np.where(below.any(axis=-1, keepdims=True), crossing, np.maximum(ahead, at[-1]))
    return np.asarray(np.where(np.isnan(found), math.inf, found)[..., 0])
