"""The ratio of two correlated means with Fieller's interval: what share of a damage something accounts for."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from critlab.analysis.statistics.summary import LEVEL, MINIMUM_SEEDS, Floats, t_quantile


@dataclass(frozen=True)
class Share:
    """A ratio of two damages with its 95 % interval; fractions, so 0.54 is 54 %.

    Args:
        estimate: the ratio of the means; NaN where the whole is 0.
        low: lower limit; -inf where the interval has no lower end.
        high: upper limit; inf where it has no upper end.
        n: seeds.

    Both limits are infinite where the whole is not clearly different from 0.
    """

    estimate: float
    low: float
    high: float
    n: int

    @property
    def bounded(self) -> bool:
        """Whether the interval has two ends."""
        return math.isfinite(self.low) and math.isfinite(self.high)


def share(part: ArrayLike, whole: ArrayLike, floor: ArrayLike = 0.0, level: float = LEVEL) -> Share:
    """The share that ``part`` is of ``whole``, both ``(seeds,)`` and paired by seed; NaN where a seed is not done.

    The limits are the r for which ``part - r whole`` is not significantly different from 0: Fieller's interval, with
    the t quantile of n - 1 degrees of freedom. It holds its level for normal values, whatever the size of the whole.
    Source: Fieller 1954, J. R. Stat. Soc. B 16, 175.

    Args:
        part, whole: as above.
        floor: least standard deviation over seeds, of both or of each; below it the values count as rounded, and
            their errors as independent.
        level: one-sided.

    Raises:
        ValueError: fewer than three seeds have both values.
    """
    both: Floats = np.array([part, whole], float)
    both = both[:, ~np.isnan(both).any(0)]
    n = both.shape[1]
    if n < MINIMUM_SEEDS:
        raise ValueError(f"a share needs {MINIMUM_SEEDS} seeds with both values; received {n}")
    top, bottom = (float(mean) for mean in both.mean(1))
    covariance = np.cov(both)
    covariance[[0, 1], [0, 1]] = np.maximum(np.diag(covariance), np.square(floor))
    squared = float(t_quantile(1 - level, n - 1)) ** 2 / n
    # r is inside where (p - r w)^2 <= t^2 var(part - r whole) / n: a r^2 - 2 b r + c <= 0
    a = bottom**2 - squared * covariance[1, 1]
    b = top * bottom - squared * covariance[0, 1]
    c = top**2 - squared * covariance[0, 0]
    estimate = top / bottom if bottom else math.nan
    if a <= 0:
        return Share(estimate, -math.inf, math.inf, n)
    root = math.sqrt(max(b * b - a * c, 0.0))
    return Share(estimate, float((b - root) / a), float((b + root) / a), n)
