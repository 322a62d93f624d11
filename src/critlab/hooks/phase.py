"""Is the period still open? A rule on the trace of the Fisher information as far as it is known."""

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

FALL = 0.5
"""The share of its peak below which the trace says that the period is closed: half, as for damage."""

RESAMPLES = 400

RULE = (
    "opening: the trace still rises; open: it stays near its peak; closing: it is surely below its peak; "
    "closed: it is below half of its peak"
)
SOURCE = (
    "the rise and fall of the trace with the period: Achille, Rovere and Soatto 2019, sections 3 and 4; "
    "the limits: ours, chosen as for damage and not yet tested against measured periods"
)


@dataclass(frozen=True)
class Phase:
    """What the rule says after the latest reading.

    Args:
        name: ``unknown`` before five readings; else ``opening``, ``open``, ``closing`` or ``closed``.
        closing: the step at which the trace falls, or will fall, below half of its peak: interpolated where it is
            past, else extrapolated along the exponential from the peak; None where it does not fall yet.
        low: lower limit of ``closing``, 95 % over the errors of the readings; the latest step where it does not fall.
        high: upper limit likewise; None where it is not bounded.
        rule: in words.
        source: of the rule.
    """

    name: Name
    closing: float | None
    low: float | None
    high: float | None
    rule: str = RULE
    source: str = SOURCE


def phase(steps: Sequence[float], values: Sequence[float], errors: Sequence[float]) -> Phase:
    """The phase after the last of some readings of the trace.

    Args:
        steps: increasing.
        values: the trace at each.
        errors: its standard errors.

    Error: the limits hold for the errors of the readings; that the fall goes on as it began is an assumption.
    """
    if len(steps) < FEWEST:
        return Phase("unknown", None, None, None)
    at, trace, error = (np.asarray(given, dtype=np.float64) for given in (steps, values, errors))
    drawn = trace + error * np.random.default_rng(RESAMPLES).standard_normal((RESAMPLES, len(trace)))
    smooth, smooth_drawn = smoothed(trace), smoothed(drawn)
    deviation = smooth_drawn.std(axis=0)
    peak, last = int(smooth.argmax()), len(smooth) - 1
    fallen = smooth[peak] - smooth[last] > 2 * math.hypot(deviation[peak], deviation[last])
    if not fallen:
        before = (2 * last) // 3
        rises = smooth[last] - smooth[before] > 2 * math.hypot(deviation[last], deviation[before])
        return Phase("opening" if rises else "open", None, float(at[-1]), None)
    crossed = bool((smooth[peak:] <= FALL * smooth[peak]).any())
    closing = float(closing_step(at, smooth))
    low, high = np.quantile(closing_step(at, smooth_drawn), [0.025, 0.975], method="inverted_cdf")
    bound = float(high) if math.isfinite(high) else None
    return Phase("closed" if crossed else "closing", closing, float(low), bound)


def smoothed(values: Floats) -> Floats:
    """Means of each reading and its neighbours, along the last axis; at the ends of the two that there are."""
    before, after = values[..., :-1], values[..., 1:]
    sums, counts = values.copy(), np.ones(values.shape[-1])
    sums[..., 1:] += before
    sums[..., :-1] += after
    counts[1:] += 1
    counts[:-1] += 1
    return np.asarray(sums / counts)


def closing_step(at: Floats, traces: Floats, fall: float = FALL) -> Floats:
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
