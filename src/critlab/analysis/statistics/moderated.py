"""Variances over seeds, moderated towards the pooled variance of the other contrasts, with a floor."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from critlab.analysis.statistics.summary import RESOLUTION, Floats

PRIOR_WEIGHT = 4.0
"""How many degrees of freedom the pooled variance of the other contrasts weighs at most."""

CREDITED = 0.5
"""The part of that weight that counts as degrees of freedom. With all of it, a contrast whose variance is above the
pooled one was called present in up to 5.1 % of null studies (variance of the last run times 4, three seeds); with half,
in at most 3.4 %, and in 2.2 % outside ``timing``, for which ``relative_variances`` makes up."""


class Moments(NamedTuple):
    """Means and variances over seeds, each ``(..., contrasts)``; ``damages`` are fractions of accuracy.

    Args:
        n: seeds that are done.
        mean: over seeds; NaN without a seed.
        variance: over seeds, moderated, at least the floor squared; NaN where nothing estimates it.
        freedom: degrees of freedom of ``variance``; 0 where nothing estimates it.
        identical: every seed's damage is exactly 0, as between networks that are the same.
    """

    n: Floats
    mean: Floats
    variance: Floats
    freedom: Floats
    identical: NDArray[np.bool_]


def moments(damages: ArrayLike, runs: ArrayLike = 2.0, floor: ArrayLike = 0.0, prior: float = PRIOR_WEIGHT) -> Moments:
    """Means and moderated variances of contrasts from their values by seed.

    ``(d0 s0^2 + d s^2) / (d0 + d)`` with the contrast's own variance s^2 on d = n - 1 degrees of freedom, the pooled
    variance of the *other* contrasts s0^2, for as many runs, and ``d0 = min(prior, their degrees of freedom)``. Its
    t values have ``d + d0 / 2`` degrees of freedom: the other half pays for variances that differ between contrasts and
    for contrasts that share runs. A single contrast keeps its plain t test.
    Source: Smyth 2004, Stat. Appl. Genet. Mol. Biol. 3, 3, with a fixed prior; weight and credit ours, by simulation.

    A contrast that is exactly 0 in every seed compares networks that are the same (such as a frozen network with
    itself). It keeps its own variance, which is the floor's, and does not enter the pool.

    Args:
        damages: ``(..., contrasts, seeds)``; NaN where a seed is not done.
        runs: expected variance of each contrast in any common unit, ``(contrasts,)`` or one number, such as its number
            of runs; see :func:`critlab.analysis.decision.relative_variances`.
        floor: least standard deviation over seeds, see :func:`floor_of_sd`.
        prior: largest d0, a weight in degrees of freedom.
    """
    values: Floats = np.asarray(damages, float)
    done = ~np.isnan(values)
    n = done.sum(-1).astype(float)
    values = np.where(done, values, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(n > 0, values.sum(-1) / n, np.nan)
    identical = (n > 0) & (np.abs(values).max(-1, initial=0.0) < RESOLUTION)
    squares = np.where(done, (values - mean[..., None]) ** 2, 0.0).sum(-1) / np.asarray(runs, float)
    freedom = np.where(identical, 0.0, np.maximum(n - 1, 0.0))
    others, others_freedom = (part.sum(-1, keepdims=True) - part for part in (np.where(identical, 0, squares), freedom))
    own_prior = np.where(identical, 0.0, np.minimum(prior, others_freedom))
    pooled = np.maximum(others, 0.0) / np.maximum(others_freedom, 1.0)
    total = np.where(identical, np.maximum(n - 1, 0.0), own_prior + freedom)
    credited = np.where(identical, total, CREDITED * own_prior + freedom)
    with np.errstate(invalid="ignore", divide="ignore"):
        moderated = np.where(total > 0, (own_prior * pooled + squares) / total * np.asarray(runs, float), np.nan)
    least = np.maximum(np.asarray(floor, float), RESOLUTION) ** 2
    return Moments(n, mean, np.maximum(moderated, least), credited, identical)


def floor_of_sd(test_images: int, runs: int = 2) -> float:
    """Least standard deviation over seeds of a contrast of ``runs`` accuracies of ``test_images`` images.

    ``sqrt(runs) / (2 test_images)``: the binomial deviation of one undecided image in each run. It exceeds the
    rounding of an accuracy, ``sqrt(runs / 12) / test_images``. Seeds that agree by chance then still have an error.
    """
    return math.sqrt(runs) / (2 * test_images)
