"""Estimates of a quantity layer by layer, that still know the whole and its error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from critlab._core.estimate import Estimate
from critlab.measures.reading import Reading

Floats = NDArray[np.float64]

ROOT = "(root)"
"""The layer of parameters that the model itself owns, where "" is the whole."""


class Estimates(dict[str, Estimate]):
    """One :class:`~critlab._core.estimate.Estimate` for each layer, and the :attr:`whole`.

    Args:
        samples: for each layer, and for each group of images its draws, float64 ``(draws,)``: unbiased estimates of the
            sum over the group's images. Entries in the same place come from the same draw, so layers are correlated.
        images: how many images all groups have together; the values are means over images.
        along: as for :func:`mean_over_images`.
    """

    def __init__(self, samples: Mapping[str, Sequence[Floats]], images: int, along: Floats | None = None) -> None:
        super().__init__({layer: mean_over_images(groups, images, along) for layer, groups in samples.items()})
        together = [np.sum(draws, axis=0) for draws in zip(*samples.values(), strict=True)]
        #: the sum over layers, with the layers' covariance in its error
        self.whole = mean_over_images(together, images, along)


def total(estimates: Estimates) -> Estimate:
    """The estimate of the whole: the layers' sum, with the layers' covariance in its error."""
    return estimates.whole


def readings(quantity: str, found: Estimates) -> Iterator[Reading]:
    """The whole (``layer=""``), then each layer; what the model itself owns is layer ``"(root)"``."""
    whole = total(found)
    yield Reading(quantity, "", whole.value, whole.stderr)
    for layer, estimate in found.items():
        yield Reading(quantity, layer or ROOT, estimate.value, estimate.stderr)


def mean_over_images(samples: Sequence[Floats], images: int, along: Floats | None = None) -> Estimate:
    """The mean over images, from estimates of the sums over groups of images.

    Args:
        samples: for each group its draws, float64 ``(draws,)``: all independent, and identically distributed within a
            group.
        images: how many images the groups have together.
        along: float64 ``(groups,)``: numbers that no chance has a part in, about proportional to the groups' sums. How
            groups differ with them is no error.

    Error: ``stderr ** 2`` is unbiased for the variance over draws where all groups have at least two. Groups of one
    draw add their spread about a straight line in ``along``, which includes how much images differ otherwise: an upper
    bound in expectation. It is infinite where no group says anything about its own error.
    """
    value = float(sum(draws.mean() for draws in samples) / images)
    repeated = [draws for draws in samples if len(draws) > 1]
    variance = float(sum(draws.var(ddof=1) / len(draws) for draws in repeated))
    single = [place for place, draws in enumerate(samples) if len(draws) == 1]
    if single:
        values = np.array([samples[place][0] for place in single])
        variance += _spread(values, None if along is None else along[single])
    return Estimate(value, float(np.sqrt(variance)) / images)


def _spread(values: Floats, along: Floats | None) -> float:
    """The variance of the sum of values that are each drawn once, at most, in expectation."""
    count = len(values)
    known = np.ones((count, 1))
    if along is not None and count > 3 and np.ptp(along) > 1e-6 * np.abs(along).max():
        known = np.stack([np.ones(count), along / np.abs(along).max()], 1)
    freedom = count - known.shape[1]
    if freedom < 1:
        return float("inf")
    residual = values - known @ np.linalg.lstsq(known, values, rcond=None)[0]
    return float(count * (residual @ residual) / freedom)
