"""Variances over seeds, moderated towards the pooled variance of the other contrasts, with a floor."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from critlab.analysis.statistics.layout import Layout, unrelated
from critlab.analysis.statistics.summary import RESOLUTION, Floats

PRIOR_WEIGHT = 4.0
"""How many degrees of freedom the pooled variance of the other contrasts weighs at most, for one contrast or two."""

MOST_WEIGHT = 8.0
"""The same for five contrasts and more that are judged together: one of larger variance is then one of many."""

ALONE = 0.5
"""The part of the weight that counts as degrees of freedom of a contrast judged alone. With all of it, a contrast whose
variance is four times that of the others is called present too often."""

SHARED = 0.5
"""The part of the others' degrees of freedom that is taken to be independent: contrasts share runs."""


class Moments(NamedTuple):
    """Means and variances over seeds, each ``(..., contrasts)``, in the unit of the damages.

    Args:
        n: seeds that are done.
        mean: over seeds; NaN without a seed.
        variance: over seeds, moderated, at least the floor squared; NaN where nothing estimates it.
        freedom: degrees of freedom of ``variance`` for a contrast judged alone; 0 where nothing estimates it.
        together: the same for one judged together with others.
        identical: every seed's damage is exactly 0, as between networks that are the same.
    """

    n: Floats
    mean: Floats
    variance: Floats
    freedom: Floats
    together: Floats
    identical: NDArray[np.bool_]


def over_seeds(damages: Floats) -> tuple[Floats, Floats, Floats]:
    """Number, mean and sum of squared deviations over the last axis, without NaN; the mean of nothing is NaN."""
    done = ~np.isnan(damages)
    n = done.sum(-1).astype(float)
    values = np.where(done, damages, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(n > 0, values.sum(-1) / n, np.nan)
    return n, mean, np.where(done, (values - mean[..., None]) ** 2, 0.0).sum(-1)


def prior_weight(contrasts: ArrayLike) -> Floats:
    """The largest weight of the pooled variance, in degrees of freedom, where so many contrasts are judged together."""
    further = np.maximum(np.asarray(contrasts, float) - 2, 0)
    found: Floats = np.minimum(PRIOR_WEIGHT + further * (MOST_WEIGHT - PRIOR_WEIGHT) / 3, MOST_WEIGHT)
    return found


def credited(contrasts: ArrayLike, own: ArrayLike) -> Floats:
    """The part that counts of the degrees of freedom that moderation adds, where so many are judged together.

    From 0.4 for one or two contrasts, as their variances may differ, to 1 from seven. It falls with the square of the
    contrasts' ``own`` degrees of freedom above four: with more seeds an own variance is known well enough, and what
    matters is that seeds may be skewed.
    """
    further = np.maximum(np.asarray(contrasts, float) - 2, 0)
    few = np.minimum(4 / np.maximum(np.asarray(own, float), 1.0), 1.0) ** 2
    return np.asarray(few * np.minimum(0.4 + further * 0.4 / 3, 1.0))


def moments(
    damages: ArrayLike,
    layout: Layout | None = None,
    floor: ArrayLike = 0.0,
    together: ArrayLike = 1,
    scale: float = 1.0,
) -> Moments:
    """Means and moderated variances of contrasts from their values by seed.

    ``(d0 s0^2 + d s^2) / (d0 + d)`` with the contrast's own variance s^2 on d = n - 1 degrees of freedom, the pooled
    variance s0^2 of the *other* contrasts of the same kinds of run, for as many runs, and
    ``d0 = min(prior_weight, their degrees of freedom)``. Judged together with others, its t values have
    ``d + c (e - d)`` degrees of freedom, with c of :func:`credited` and Satterthwaite's
    ``e = (d0 + d)^2 / (d0^2 / D + d)`` for D independent degrees of freedom of the others. A single contrast keeps its
    plain t test. Contrasts of other kinds of run, such as those of clean runs alone, are no prior: runs with the
    deficit may vary more. Source: Smyth 2004, Stat. Appl. Genet. Mol. Biol. 3, 3, with a fixed prior; weight and credit
    ours, by simulation (``docs/statistics.md``).

    Contrasts that are the same in every seed (harm is lasting damage where the study's own clock restarts) count once.
    A contrast that is exactly 0 in every seed compares networks that are the same (such as a frozen network with
    itself). It keeps its own variance, which is the floor's, and does not enter the pool.

    Args:
        damages: ``(..., contrasts, seeds)``; NaN where a seed is not done.
        layout: the runs of each contrast; None where they are not known.
        floor: least standard deviation over seeds, see :func:`floor_of_sd`.
        together: how many contrasts each is judged together with, itself included; ``(contrasts,)`` or one number.
        scale: of the scores, see :func:`critlab.analysis.statistics.summary.scale_of`; smaller differences than
            :data:`RESOLUTION` times it are rounding.
    """
    values: Floats = np.asarray(damages, float)
    layout = layout or unrelated(values.shape[-2])
    n, mean, deviations = over_seeds(values)
    values = np.where(np.isnan(values), 0.0, values)
    rounding = RESOLUTION * scale
    identical = (n > 0) & (np.abs(values).max(-1, initial=0.0) < rounding)
    squares = deviations / layout.variance
    freedom = np.where(identical, 0.0, np.maximum(n - 1, 0.0))
    twins = _twins(values, rounding)
    single = np.where(identical, 0.0, 1.0) / twins.sum(-1)
    alike = np.abs(layout.mix[:, None] - layout.mix) < RESOLUTION
    pooling = (alike & (twins == 0)).astype(float)
    others, others_freedom = ((single * part) @ pooling for part in (squares, freedom))
    prior = np.where(identical, 0.0, np.minimum(prior_weight(together), others_freedom))
    pooled = np.maximum(others, 0.0) / np.maximum(others_freedom, 1.0)
    own = np.maximum(n - 1, 0.0)
    total = prior + own
    with np.errstate(invalid="ignore", divide="ignore"):
        moderated = np.where(total > 0, (prior * pooled + squares) / total * layout.variance, np.nan)
    least = np.maximum(np.asarray(floor, float), rounding) ** 2
    alone = own + ALONE * np.minimum(prior, PRIOR_WEIGHT)
    independent = np.maximum(SHARED * others_freedom, 1.0)
    moderated_freedom = total**2 / np.maximum(prior**2 / independent + own, RESOLUTION)
    among = own + credited(together, own) * (moderated_freedom - own)
    return Moments(n, mean, np.maximum(moderated, least), alone, among, identical)


def _twins(values: Floats, rounding: float) -> Floats:
    """Which contrasts are the same contrast, 1 or 0, ``(contrasts, contrasts)``."""
    first = values.reshape(-1, *values.shape[-2:])[0] if values.size else values
    found: Floats = (np.abs(first[:, None] - first[None]).max(-1, initial=0.0) < rounding).astype(float)
    for one, other in np.argwhere(np.tril(found, -1) > 0):
        same = (np.abs(values[..., one, :] - values[..., other, :]) < rounding).all()
        found[one, other] = found[other, one] = float(same)
    return found


def floor_of_sd(test_images: int, runs: int = 2) -> float:
    """Least standard deviation over seeds of a contrast of ``runs`` accuracies of ``test_images`` images.

    ``sqrt(runs) / (2 test_images)``: the binomial deviation of one undecided image in each run. It exceeds the
    rounding of an accuracy, ``sqrt(runs / 12) / test_images``. Seeds that agree by chance then still have an error.
    """
    return math.sqrt(runs) / (2 * test_images)
