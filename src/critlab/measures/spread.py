"""How far a sum of squared lengths may be from its expectation, when its variance is itself an estimate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

INTERVAL = 1.96
"""Standard errors on either side that a reader takes for an interval of 95 %."""

LEVEL = 0.965
"""What is aimed at, so that 95 % are held: third moments are those of a model, and variances are skewed too."""

SKEWED = 0.8
"""Edgeworth expansion of Student's ratio for skewed summands (Hall 1988): an interval of z standard errors lacks
``skewness ** 2 (z ** 4 + 2 z ** 2 - 3) / 18`` of its length, where ``1 / freedom`` would make it lack
``(z ** 2 + 1) / 4`` of it. With z = 1.96, and less what the kurtosis gives back, this is the quotient of the two."""

MOST_RELATIVE = 2.0
"""The variance of a squared length over its squared mean: 2 where one direction has all of it, less otherwise."""


@dataclass(frozen=True)
class Spread:
    """What is known of how a sum varies.

    Args:
        variance: of the sum, estimated.
        uncertainty: the variance of ``variance``, as of normal summands.
        third: the third cumulant of the sum, of the gamma distributions that have the summands' means and variances.
    """

    variance: float = 0.0
    uncertainty: float = 0.0
    third: float = 0.0

    def __add__(self, other: Spread) -> Spread:
        return Spread(self.variance + other.variance, self.uncertainty + other.uncertainty, self.third + other.third)

    def freedom(self) -> float:
        """Degrees of freedom of ``variance``, at least 1: Satterthwaite's, fewer where the sum is skewed."""
        skewness = self.third**2 / self.variance**3 if self.variance > 0 else 0.0
        unknown = self.uncertainty / (2 * self.variance**2) if self.variance > 0 else 0.0
        return 1 / min(max(unknown + SKEWED * skewness, 1e-9), 1.0)

    def half_width(self) -> float:
        """Half an interval for the expectation, by Student's t; infinite where nothing is known."""
        if not 0 < self.variance < math.inf:
            return self.variance
        from scipy.special import stdtrit

        return float(stdtrit(self.freedom(), (1 + LEVEL) / 2)) * math.sqrt(self.variance)


def of_repeated(groups: Sequence[Floats]) -> Spread:
    """That of the sum of the means of groups of at least two draws each, float64 ``(draws,)``.

    ``uncertainty`` is unbiased for normal draws (Welch 1947). How much a draw varies for its size is pooled, as few
    draws say little about it.
    """
    if not groups:
        return Spread()
    counts = np.array([len(draws) for draws in groups])
    squares = np.array([draws.var(ddof=1) for draws in groups])
    means = np.array([abs(draws.mean()) for draws in groups])
    relative = _relative(((counts - 1) * squares).sum(), ((counts - 1) * means**2).sum())
    variances = squares / counts
    return Spread(
        float(variances.sum()),
        float((2 * variances**2 / (counts + 1)).sum()),
        float((2 * relative * squares * means / counts**2).sum()),
    )


def of_single(values: Floats, along: Floats | None) -> Spread:
    """That of the sum of values ``(groups,)`` that are each drawn once, at most, in expectation.

    Args:
        values: the draws.
        along: as for :func:`~critlab.measures.estimates.mean_over_images`.
    """
    count = len(values)
    mean = float(values.sum()) / count
    residual, freedom = values - mean, count - 1
    if along is not None and count > 3 and np.ptp(along) > 1e-6 * np.abs(along).max():
        line = along / np.abs(along).max()
        line = line - line.sum() / count
        residual, freedom = residual - (line @ residual) / (line @ line) * line, count - 2
    if freedom < 1:
        return Spread(math.inf)
    square, mean = float(residual @ residual) / freedom, abs(mean)
    variance = count * square
    return Spread(variance, 2 * variance**2 / (freedom + 2), 2 * variance * _relative(square, mean**2) * mean)


def _relative(variance: float, square: float) -> float:
    return min(variance / square, MOST_RELATIVE) if square > 0 else MOST_RELATIVE
