"""The tests behind a verdict: t intervals, one-sided paired t tests, Holm's adjustment, detectable damage.

All functions take means, standard deviations and counts of paired differences, along the last axis one per
point of the sweep, so that a simulation judges thousands of studies with the code that judges one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from critlab._core.estimate import Estimate

LEVEL = 0.025
"""One-sided level of every decision: a point is damaged only where its two-sided 95 % interval agrees."""

POWER = 0.8
"""Probability with which the minimum detectable damage would be called present."""

MINIMUM_SEEDS = 3
"""Fewest seeds that can decide anything. Two give one degree of freedom: an interval of 12.7 standard errors
each way, whose width rests on a single difference; with three it is 4.3, and one odd seed shows."""

RESOLUTION = 1e-9
"""Smaller differences of accuracy are rounding: one image in a million, over 100 epochs, is 1e-8."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Summary:
    """A mean over seeds with its two-sided 95 % t interval.

    Args:
        n: seeds.
        mean: in the unit of the values.
        sd: standard deviation over seeds (n - 1 in the denominator); 0 for one seed.
        low: lower limit; None for one seed, which has no interval.
        high: upper limit; likewise.
    """

    n: int
    mean: float
    sd: float
    low: float | None
    high: float | None

    @property
    def estimate(self) -> Estimate:
        """Mean and standard error; infinite for one seed, whose error nobody knows."""
        return Estimate(self.mean, self.sd / math.sqrt(self.n) if self.n > 1 else math.inf)


def summarise(values: Sequence[float]) -> Summary:
    """Mean and 95 % t interval, ``mean +- t(0.975, n - 1) sd / sqrt(n)``, of independent values, one a seed.

    Equal values (up to rounding) have an interval of zero width. Error: exact for normal values; for others
    the coverage approaches 95 % as n grows.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("there are no values to summarise; leave the point out")
    n, mean = len(values), math.fsum(values) / len(values)
    if n == 1:
        return Summary(1, mean, 0.0, None, None)
    sd = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    sd = sd if sd > RESOLUTION else 0.0
    half = float(t_quantile(1 - LEVEL, n - 1)) * sd / math.sqrt(n)
    return Summary(n, mean, sd, mean - half, mean + half)


def t_quantile(probability: float, freedom: int | NDArray[np.int_]) -> Any:
    """The quantile of Student's t with ``freedom`` degrees of freedom (>= 1), in the shape of ``freedom``."""
    from scipy.special import stdtrit

    return stdtrit(freedom, probability)


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


def holm(p: ArrayLike) -> Floats:
    """Holm's step-down adjusted p values along the last axis.

    With ``p(1) <= ... <= p(m)`` the i-th is ``max over j <= i of min(1, (m - j + 1) p(j))``. Rejecting where
    the adjusted value is at most a level keeps the chance of any false rejection at that level under any
    dependence, so also for points that share their controls. Source: Holm 1979, Scand. J. Statist. 6, 65.
    """
    p = np.asarray(p, float)
    order = np.argsort(p, axis=-1)
    steps = np.arange(p.shape[-1], 0, -1)
    ordered = np.minimum(np.take_along_axis(p, order, -1) * steps, 1.0)
    adjusted = np.empty_like(ordered)
    np.put_along_axis(adjusted, order, np.maximum.accumulate(ordered, axis=-1), -1)
    return adjusted


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
    needs no adjustment: Berger 1982). A point without enough seeds is tested by nobody but counts in Holm's
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
