"""The curve of a metric over times of a switch: a Gaussian process, averaged over lengths, heights and roughness."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from critlab.analysis.statistics.summary import Floats
from critlab.analysis.timing.noise import Layout

LENGTHS = (0.04, 0.08, 0.16, 0.32, 0.64, 1.28)
"""Correlation lengths as fractions of the range of times. The shortest leaves neighbouring times nearly independent."""

HEIGHTS = 7
"""How many heights of the curve are tried, up to twice the range of the means."""

LEAST_HEIGHT = 0.3
"""The smallest height, as a part of the tolerance. A few noisy times look flat where two narrow peaks lie between them;
with a tenth of a run's noise as the smallest height, a curve with two peaks was called flat in 8 % of simulations."""

LEAST_NOISE = 0.001
"""The smallest noise of a run, as a part of the tolerance: smaller differences are of no interest to anyone."""


class SmoothCurve(NamedTuple):
    """The curve at ``T`` times, up to a common constant.

    Args:
        mean: ``(T,)``.
        covariance: ``(T, T)``.
        freedom: degrees of freedom of the noise.
    """

    mean: Floats
    covariance: Floats
    freedom: float


def smooth_curve(times: Sequence[int], layout: Layout, never: bool, tolerance: float) -> SmoothCurve:
    """The posterior of the curve, averaged over kernels by their evidence.

    Kernels are rough (Ornstein-Uhlenbeck, whose curves may jump) and smooth (Matern 5/2), each with every length of
    :data:`LENGTHS` and every height: so steps and two peaks are kept where the data show them, and a flat curve is
    averaged over all times. A switch that is never flipped has no neighbour, because the flip itself may do something.
    Source: Rasmussen and Williams 2006, sections 2.2, 4.2 and 5.4; grid and average ours.

    Args:
        times: epochs, increasing.
        layout: the times' means; those without a seed are interpolated.
        never: whether the last time stands for never.
        tolerance: the largest loss that does not matter.

    Cost: 84 inverses of a ``T x T`` matrix.
    """
    scale, vectors = np.linalg.eigh(layout.precision)
    kept = scale > 1e-9 * max(float(scale.max(initial=0.0)), 1e-300)
    root = (vectors[:, kept] * np.sqrt(scale[kept])).T
    seen = root @ layout.mean
    kernels = _kernels(np.asarray(times, float), layout, never, LEAST_HEIGHT * tolerance)
    crossed = kernels @ root.T
    noisy = root @ crossed + np.eye(len(seen))
    inverse = np.linalg.inv(noisy)
    means = (crossed @ (inverse @ seen)[..., None])[..., 0]
    covariances = kernels - crossed @ inverse @ np.swapaxes(crossed, -1, -2)
    evidence = -0.5 * (seen @ inverse @ seen) - 0.5 * np.linalg.slogdet(noisy)[1]
    weights = np.exp(evidence - evidence.max())
    weights /= weights.sum()
    mean = weights @ means
    away = means - mean
    covariance = np.einsum("k,kij->ij", weights, covariances) + np.einsum("k,ki,kj->ij", weights, away, away)
    return SmoothCurve(mean, covariance, layout.freedom)


def _kernels(times: Floats, layout: Layout, never: bool, least: float) -> Floats:
    """Prior covariances ``(kernels, times, times)``."""
    distance = np.abs(times[:, None] - times) / max(float(times[-1] - times[0]), 1.0)
    if never:
        distance[-1, :-1] = distance[:-1, -1] = np.inf
    shapes = []
    for length in LENGTHS:
        far = np.minimum(distance / length, 1e3)
        matern = np.sqrt(5) * far
        shapes += [np.exp(-far), (1 + matern + matern**2 / 3) * np.exp(-matern)]
    noise, spread = float(np.median(layout.sd)), float(np.ptp(layout.mean))
    heights = np.geomspace(least, max(noise, 2 * spread, 3 * least), HEIGHTS)
    found: Floats = np.concatenate([np.stack(shapes) * height**2 for height in heights])
    return found
