"""Times and seeds as an additive layout with missing cells: means of the times, and how well they are known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from critlab.analysis.statistics.moderated import PRIOR_WEIGHT
from critlab.analysis.statistics.summary import RESOLUTION, Floats

TINY = 1e-75
"""Its square is still a normal number."""


class Layout(NamedTuple):
    """The times' means up to a common constant, ``T`` of them.

    Args:
        mean: of each time, centred, ``(T,)``; 0 where no seed has the time.
        precision: ``(T, T)``, the inverse covariance of the means up to a constant: rows sum to 0.
        sd: standard deviation of a run around its time and seed, ``(T,)``.
        freedom: degrees of freedom of ``sd``; 0 where nothing estimates it.
    """

    mean: Floats
    precision: Floats
    sd: Floats
    freedom: float


def additive_layout(values: Floats, floor: float = 0.0) -> Layout:
    """Fits ``value = time + seed + noise`` by weighted least squares.

    The seed's part cancels, as in a paired comparison, and cells may be missing. The variance of a time's noise is
    moderated towards that of all times, with a weight of four degrees of freedom, as in
    :func:`critlab.analysis.statistics.moderated.moments`: late times share more of their training, so they may vary
    less.

    Args:
        values: ``(times, seeds)``; NaN where a cell is not known.
        floor: least standard deviation; at least a billionth of the largest value.

    Error: noise that neighbouring times share counts as noise of each, so their differences are less uncertain than
    assumed.
    """
    known = ~np.isnan(values)
    given = np.where(known, values, 0.0)
    given = np.where(known, given - given.sum() / max(known.sum(), 1), 0.0)
    plain = known.astype(float)
    mean, precision = _fit(given, plain)
    counts = plain.sum(0)
    seed = np.divide((given - plain * mean[:, None]).sum(0), counts, out=np.zeros_like(counts), where=counts > 0)
    squares = np.where(known, (given - mean[:, None] - seed) ** 2, 0.0).sum(1)
    freedom = float(known.sum() - np.linalg.matrix_rank(precision, tol=1e-6) - (counts > 0).sum())
    least = max(floor, RESOLUTION * float(np.abs(given).max(initial=0.0)), TINY) ** 2
    if freedom < 1:
        sd = np.full(len(values), np.sqrt(max(squares.sum() / max(known.sum(), 1), least)))
        return Layout(mean, precision / sd[0] ** 2, sd, 0.0)
    own = plain.sum(1) * freedom / known.sum()
    prior = np.minimum(PRIOR_WEIGHT, freedom - own)
    pooled = np.divide(squares.sum() - squares, freedom - own, out=np.zeros_like(own), where=freedom - own > 1e-9)
    variance = np.maximum((prior * pooled + squares) / np.maximum(prior + own, 1e-9), least)
    mean, precision = _fit(given, plain / variance[:, None])
    return Layout(mean, precision, np.sqrt(variance), freedom)


def _fit(values: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Weighted means of the rows with the columns' parts removed, centred, and their precision."""
    total = weights.sum(0)
    shares = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
    precision: Floats = np.diag(weights.sum(1)) - weights @ shares.T
    wanted = (weights * values).sum(1) - weights @ (shares * values).sum(0)
    mean: Floats = np.linalg.pinv(precision, rcond=1e-10, hermitian=True) @ wanted
    return mean, precision
