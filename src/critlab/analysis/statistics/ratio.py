"""The ratio of two correlated means with Fieller's interval: what share of a damage something accounts for."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from critlab.analysis.statistics.summary import LEVEL, MINIMUM_SEEDS, Floats, satterthwaite, t_quantile


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


def share(
    part: ArrayLike, whole: ArrayLike, floor: ArrayLike = 0.0, level: float = LEVEL, image: Floats | None = None
) -> Share:
    """The share that ``part`` is of ``whole``, both ``(seeds,)`` and paired by seed; NaN where a seed is not done.

    The limits are the r for which ``part - r whole`` is not significantly different from 0: Fieller's interval, with
    the t quantile of n - 1 degrees of freedom. It holds its level for normal values, whatever the size of the whole.
    With an error over test images, the covariance of the means is the sum of both parts, with Satterthwaite's degrees
    of freedom at the estimate. Source: Fieller 1954, J. R. Stat. Soc. B 16, 175.

    Args:
        part, whole: as above.
        floor: least standard deviation over seeds, of both or of each; below it the values count as rounded, and
            their errors as independent.
        level: one-sided.
        image: the covariance of both means from the choice of test images, ``(2, 2)``; None where it is not known.

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
    estimate = top / bottom if bottom else math.nan
    by_image = np.zeros((2, 2)) if image is None else n * image
    squared = float(t_quantile(1 - level, _freedom(covariance, by_image, estimate, n))) ** 2 / n
    # r is inside where (p - r w)^2 <= t^2 var(part - r whole) / n: a r^2 - 2 b r + c <= 0
    total = covariance + by_image
    a = bottom**2 - squared * total[1, 1]
    b = top * bottom - squared * total[0, 1]
    c = top**2 - squared * total[0, 0]
    if a <= 0:
        return Share(estimate, -math.inf, math.inf, n)
    root = math.sqrt(max(b * b - a * c, 0.0))
    return Share(estimate, float((b - root) / a), float((b + root) / a), n)


def _freedom(by_seed: Floats, by_image: Floats, ratio: float, n: int) -> float:
    """Degrees of freedom of ``part - ratio whole``; those of the seeds where there is no ratio."""
    if not math.isfinite(ratio):
        return n - 1.0
    weights = np.array([1.0, -ratio])
    seed, image = (np.asarray(max(float(weights @ one @ weights), 0.0)) for one in (by_seed, by_image))
    return float(satterthwaite(seed, np.asarray(n - 1.0), image))
