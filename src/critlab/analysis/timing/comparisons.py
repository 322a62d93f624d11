"""All times compared with each other at once, by draws of the curve."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from critlab.analysis.statistics.summary import Floats
from critlab.analysis.timing.smoothing import SmoothCurve

DRAWS = 4000
"""A probability of 0.6 % is then known to 0.12 %."""

UNLIKELY = 0.025
"""A candidate that no seed has, and whose tried neighbours are worse, is worse itself where it is better than every
tried time with a smaller chance. Next to a time that is not worse it is not: the curve may fall right behind it."""

Bools = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


class Comparisons(NamedTuple):
    """What the draws say of ``T`` times.

    Args:
        worse: whether some tried time is better, all pairs judged together, ``(T,)``.
        deficit: how much each draw's best tried time is better than each time, ``(draws, T)``, at least 0 for tried
            times.
        mean_deficit: the same of the mean curve, ``(T,)``.
    """

    worse: Bools
    deficit: Floats
    mean_deficit: Floats


def compare(curve: SmoothCurve, tried: Bools, level: float) -> Comparisons:
    """Compares every time with every tried time.

    A time is worse where the difference to some tried time, in standard errors, exceeds the quantile ``1 - level`` of
    the largest such difference between any two tried times of equal curves: with probability ``1 - level`` no true
    best time is found worse, and no time at all where all are equal. Draws are normal, with a variance whose own
    uncertainty is drawn too.

    Args:
        curve: the times' posterior.
        tried: times that some seed has, ``(T,)``.
        level: of all comparisons together.
    """
    random = np.random.default_rng(0)
    values, vectors = np.linalg.eigh(curve.covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    away = random.standard_normal((DRAWS, len(curve.mean))) @ root.T
    freedom = max(curve.freedom, 1.0)
    away *= np.sqrt(freedom / random.chisquare(freedom, DRAWS))[:, None]
    spread = np.sqrt(np.maximum(_of_pairs(curve.covariance), 0.0))
    known = spread > 1e-9 * spread.max(initial=0.0)
    pairs = np.argwhere(np.triu(known & tried & tried[:, None], 1))
    worse = np.zeros(len(curve.mean), bool)
    if len(pairs) and curve.freedom >= 1:
        first, second = pairs.T
        largest = (np.abs(away[:, first] - away[:, second]) / spread[first, second]).max(1)
        least = np.quantile(largest, 1 - level)
        better = (curve.mean[:, None] - curve.mean)[tried]
        worse = (better > least * spread[tried] + 1e-9 * np.abs(curve.mean).max()).any(0)
    drawn = curve.mean + away
    deficit = drawn[:, tried].max(1, keepdims=True) - drawn
    worse = np.where(tried, worse, _between_worse(worse, tried) & ((deficit < 0).mean(0) < UNLIKELY))
    return Comparisons(worse, deficit, curve.mean[tried].max() - curve.mean)


def _between_worse(worse: Bools, tried: Bools) -> Bools:
    """Whether the nearest tried times on both sides are worse; at an end, the one there is."""
    places, tried_places = np.arange(len(tried)), np.flatnonzero(tried)
    before = tried_places[np.maximum(np.searchsorted(tried_places, places, "right") - 1, 0)]
    after = tried_places[np.minimum(np.searchsorted(tried_places, places), len(tried_places) - 1)]
    found: Bools = worse[before] & worse[after]
    return found


def _of_pairs(covariance: Floats) -> Floats:
    variance = np.diag(covariance)
    found: Floats = variance[:, None] + variance - 2 * covariance
    return found
