"""The judgement of a sweep of plain paired t tests, one a point, with Holm's adjustment."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from critlab.analysis.statistics.simultaneous import holm
from critlab.analysis.statistics.summary import LEVEL, MINIMUM_SEEDS, POWER, RESOLUTION, Floats, t_quantile


def p_above(means: ArrayLike, sds: ArrayLike, ns: ArrayLike, bound: float) -> Floats:
    """One-sided p values of ``true mean > bound``: ``P(T(n - 1) >= (mean - bound) sqrt(n) / sd)``.

    Points with fewer than :data:`MINIMUM_SEEDS` seeds get 1. Where all seeds agree, p is 0 or 1.
    """
    from scipy.special import stdtr

    means, sds, ns = np.asarray(means, float), np.asarray(sds, float), np.asarray(ns)
    excess = np.where(np.abs(means - bound) < RESOLUTION, 0.0, means - bound)
    stderr = sds / np.sqrt(np.maximum(ns, 1))
    exact = stderr < RESOLUTION
    p = stdtr(np.maximum(ns - 1, 1), -excess / np.where(exact, 1.0, stderr))
    p = np.where(exact, np.where(excess > 0, 0.0, 1.0), p)
    return np.where(ns >= MINIMUM_SEEDS, p, 1.0)


@dataclass(frozen=True)
class Judgement:
    """What a sweep says, for one study or an array of them.

    Args:
        adjusted: Holm-adjusted p values of damage above the smallest of interest, ``(..., points)``.
        helped: Holm-adjusted p values of damage below 0, ``(..., points)``.
        present: some adjusted p value below :data:`LEVEL`, ``(...)``.
        absent: every upper limit below the smallest damage of interest, ``(...)``.
    """

    adjusted: Floats
    helped: Floats
    present: NDArray[np.bool_] | np.bool_
    absent: NDArray[np.bool_] | np.bool_


def judge(means: ArrayLike, sds: ArrayLike, ns: ArrayLike, smallest: float) -> Judgement:
    """Judges the damages of a sweep, ``(..., points)``, fractions of accuracy.

    Present is a union (one point suffices, hence Holm); absent an intersection (all points must hold, which
    needs no adjustment: Berger 1982). A point without enough seeds is not tested but counts in Holm's
    number of points, and forbids "absent". Error: at most 2.5 % false "present" for normal differences.
    """
    means, sds, ns = np.asarray(means, float), np.asarray(sds, float), np.asarray(ns, int)
    half = t_quantile(1 - LEVEL, np.maximum(ns - 1, 1)) * sds / np.sqrt(np.maximum(ns, 1))
    below = (means + half < smallest - RESOLUTION) & (ns >= MINIMUM_SEEDS)
    adjusted = holm(p_above(means, sds, ns, smallest))
    helped = holm(p_above(-means, sds, ns, 0.0))
    return Judgement(adjusted, helped, np.any(adjusted < LEVEL, axis=-1), np.all(below, axis=-1))


def minimum_detectable(sd: float, n: int, smallest: float) -> float | None:
    """The true damage at one point that ``n`` seeds would call present with 80 % probability.

    ``smallest + delta sd / sqrt(n)``, where delta is the noncentrality with ``P(T(n - 1, delta) >
    t(0.975, n - 1)) = 0.8``; at the level of a single point; Holm's adjustment asks for more.

    Args:
        sd: standard deviation over seeds of the paired damage, a fraction.
        n: seeds.
        smallest: the smallest damage of interest, a fraction.

    Returns:
        A fraction of accuracy; None below :data:`MINIMUM_SEEDS`, where nothing is ever called present.
    """
    from scipy.special import nctdtrinc

    if n < MINIMUM_SEEDS:
        return None
    delta = nctdtrinc(n - 1, 1 - POWER, t_quantile(1 - LEVEL, n - 1))
    return float(smallest + delta * sd / math.sqrt(n))
