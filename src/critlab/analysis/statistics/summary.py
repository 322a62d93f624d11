"""A mean over seeds with its t interval, and the constants of every decision."""

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

LARGE = 1e6
"""Degrees of freedom at which Student's t is the normal distribution."""

RESOLUTION = 1e-9
"""Smaller differences of accuracy are rounding: one image in a million, over 100 epochs, is 1e-8. Of scores in another
unit, so are those smaller than this many times :func:`scale_of` them."""

STEP = 1000.0
"""Scales are powers of this, so that accuracies, fractions and other numbers of ordinary size have the scale 1 itself:
another accuracy must not move a threshold."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Summary:
    """A mean over seeds with its two-sided 95 % interval.

    Args:
        n: seeds.
        mean: in the unit of the values.
        sd: standard deviation over seeds (n - 1 in the denominator), at least the floor; 0 for one seed.
        low: lower limit; None for one seed, which has no interval.
        high: upper limit; in the same case.
        image_variance: the variance of the mean from the choice of test images; 0 where it is not known, or where the
            mean is no damage on test images.
    """

    n: int
    mean: float
    sd: float
    low: float | None
    high: float | None
    image_variance: float = 0.0

    @property
    def estimate(self) -> Estimate:
        """Mean and standard error over seeds and test images; infinite for one seed, whose error is unknown."""
        if self.n == 1:
            return Estimate(self.mean, math.inf)
        return Estimate(self.mean, math.hypot(self.sd / math.sqrt(self.n), math.sqrt(self.image_variance)))


def scale_of(values: ArrayLike) -> float:
    """The size of scores, the power of :data:`STEP` nearest to the largest of them; 1 between about 0.03 and 30.

    NaN and infinite values are left out; 1 where nothing, or nothing but 0, is left.
    """
    sizes = np.abs(np.asarray(values, float))
    largest = float(sizes[np.isfinite(sizes)].max(initial=0.0))
    return float(STEP ** round(math.log(largest, STEP))) if largest else 1.0


def summarise(
    values: Sequence[float],
    floor: float = 0.0,
    image_variance: float = 0.0,
    level: float = LEVEL,
    scale: float = 1.0,
) -> Summary:
    """Mean and t interval of independent values, one a seed.

    Without an error over test images the interval is ``mean +- t(0.975, n - 1) sd / sqrt(n)``. With one, the variance
    of the mean is the sum of both parts, with Satterthwaite's degrees of freedom.

    Args:
        values: at least one.
        floor: least standard deviation, for values that are rounded, see
            :func:`critlab.analysis.test_images.least_sd`. Without one, equal values have an interval of zero width.
        image_variance: of the mean, see :func:`critlab.analysis.test_images.image_variance`.
        level: one-sided.
        scale: of the scores, see :func:`scale_of`; differences of scores do not know it.

    Error: exact for normal values; for others the coverage approaches 95 % as n grows.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("there are no values to summarise; leave the point out")
    n, mean = len(values), math.fsum(values) / len(values)
    if n == 1:
        return Summary(1, mean, 0.0, None, None, image_variance)
    sd = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    sd = max(sd if sd > RESOLUTION * max(scale, scale_of(values)) else 0.0, floor)
    freedom = satterthwaite(np.asarray(sd**2 / n), np.asarray(n - 1.0), np.asarray(image_variance))
    quantile = float(t_quantile(1 - level, freedom))
    half = math.hypot(quantile * sd / math.sqrt(n), quantile * math.sqrt(image_variance))
    return Summary(n, mean, sd, mean - half, mean + half, image_variance)


def satterthwaite(seed: Floats, freedom: Floats, image: Floats) -> Floats:
    """Degrees of freedom of ``seed + image``, variances of a mean, where thousands of images make the second exact.

    ``freedom (1 + image / seed)^2`` (Satterthwaite 1946), ``(...)``.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(image > 0, image / seed, 0.0)
    found: Floats = np.minimum(freedom * (1 + ratio) ** 2, LARGE)
    return found


def t_quantile(probability: Any, freedom: Any) -> Any:
    """Quantiles of Student's t with ``freedom`` degrees of freedom (above 0), in the shape that both broadcast to."""
    from scipy.special import stdtrit

    return stdtrit(freedom, probability)
