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
"""The part of that weight that counts as degrees of freedom of a contrast judged alone, or as one of two. With all of
it, a contrast whose variance is four times that of the others is called present in up to 3.8 % of null studies of three
seeds; with half of it, in 1.9 %."""

ALL_CREDITED = 5
"""From so many contrasts judged together on, all of the weight counts: Bonferroni's bound over contrasts that share
runs leaves room for it (at most 1.4 % of the null studies are called present)."""


class Moments(NamedTuple):
    """Means and variances over seeds, each ``(..., contrasts)``; ``damages`` are fractions of accuracy.

    Args:
        n: seeds that are done.
        mean: over seeds; NaN without a seed.
        variance: over seeds, moderated, at least the floor squared; NaN where nothing estimates it.
        freedom: degrees of freedom of ``variance`` for a contrast judged alone; 0 where nothing estimates it.
        prior: weight of the pooled variance in it.
        identical: every seed's damage is exactly 0, as between networks that are the same.
    """

    n: Floats
    mean: Floats
    variance: Floats
    freedom: Floats
    prior: Floats
    identical: NDArray[np.bool_]


def credited(contrasts: int) -> float:
    """The part of the prior's weight that counts as degrees of freedom where so many contrasts are judged together."""
    return CREDITED + (1 - CREDITED) * min(max(contrasts - 2, 0) / (ALL_CREDITED - 2), 1.0)


def moments(damages: ArrayLike, runs: ArrayLike = 2.0, floor: ArrayLike = 0.0, prior: float = PRIOR_WEIGHT) -> Moments:
    """Means and moderated variances of contrasts from their values by seed.

    ``(d0 s0^2 + d s^2) / (d0 + d)`` with the contrast's own variance s^2 on d = n - 1 degrees of freedom, the pooled
    variance of the *other* contrasts s0^2, for as many runs, and ``d0 = min(prior, their degrees of freedom)``. Its
    t values have ``d + d0 / 2`` degrees of freedom: the other half pays for variances that differ between contrasts
    and for contrasts that share runs (see :func:`credited` for contrasts that are judged together). A single contrast
    keeps its plain t test. Source: Smyth 2004, Stat. Appl. Genet. Mol. Biol. 3, 3, with a fixed prior; weight and
    credit ours, by simulation.

    Contrasts that are the same in every seed (harm is lasting damage where the study's own clock restarts) count once.
    A contrast that is exactly 0 in every seed compares networks that are the same (such as a frozen network with
    itself). It keeps its own variance, which is the floor's, and does not enter the pool.

    Args:
        damages: ``(..., contrasts, seeds)``; NaN where a seed is not done.
        runs: expected variance of each contrast in any common unit, ``(contrasts,)`` or one number, such as its number
            of runs; see :func:`critlab.analysis.judgement.decision.relative_variances`.
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
    twins = _twins(values)
    single = np.where(identical, 0.0, 1.0) / twins.sum(-1)
    others, others_freedom = (
        (single * part).sum(-1, keepdims=True) - (single * part) @ twins for part in (squares, freedom)
    )
    own_prior = np.where(identical, 0.0, np.minimum(prior, others_freedom))
    pooled = np.maximum(others, 0.0) / np.maximum(others_freedom, 1.0)
    total = np.where(identical, np.maximum(n - 1, 0.0), own_prior + freedom)
    alone = np.where(identical, total, CREDITED * own_prior + freedom)
    with np.errstate(invalid="ignore", divide="ignore"):
        moderated = np.where(total > 0, (own_prior * pooled + squares) / total * np.asarray(runs, float), np.nan)
    least = np.maximum(np.asarray(floor, float), RESOLUTION) ** 2
    return Moments(n, mean, np.maximum(moderated, least), alone, own_prior, identical)


def _twins(values: Floats) -> Floats:
    """Which contrasts are the same contrast, 1 or 0, ``(contrasts, contrasts)``."""
    first = values.reshape(-1, *values.shape[-2:])[0] if values.size else values
    found: Floats = (np.abs(first[:, None] - first[None]).max(-1, initial=0.0) < RESOLUTION).astype(float)
    for one, other in np.argwhere(np.tril(found, -1) > 0):
        same = (np.abs(values[..., one, :] - values[..., other, :]) < RESOLUTION).all()
        found[one, other] = found[other, one] = float(same)
    return found


def floor_of_sd(test_images: int, runs: int = 2) -> float:
    """Least standard deviation over seeds of a contrast of ``runs`` accuracies of ``test_images`` images.

    ``sqrt(runs) / (2 test_images)``: the binomial deviation of one undecided image in each run. It exceeds the
    rounding of an accuracy, ``sqrt(runs / 12) / test_images``. Seeds that agree by chance then still have an error.
    """
    return math.sqrt(runs) / (2 * test_images)
