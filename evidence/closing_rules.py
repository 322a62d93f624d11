"""The rules on a curve of losses that ``watch.py`` judges: where it comes to rest, and where it falls below a share."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FEWEST = 5
"""Readings before anything is said."""

STEADY = 0.9
"""A loss that falls in the second half of its way by this share of its fall in the first heads nowhere yet."""


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
