"""Estimates of a quantity layer by layer, that still know the whole and its error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from critlab.estimate import Estimate
from critlab.measures.reading import Reading

ROOT = "(root)"
"""The layer of parameters that the model itself owns, where "" is the whole."""


class Estimates(dict[str, Estimate]):
    """One :class:`~critlab.estimate.Estimate` for each layer, and the :attr:`whole`.

    Args:
        samples: for each layer, float64 ``(groups, draws)``: unbiased estimates of the sum over each group's
            images. Entries in the same place come from the same draw, so layers are correlated.
        images: how many images all groups have together; the values are means over images.
    """

    def __init__(self, samples: Mapping[str, NDArray[np.float64]], images: int) -> None:
        super().__init__({layer: mean_over_images(array, images) for layer, array in samples.items()})
        #: the sum over layers, with the layers' covariance in its error
        self.whole = mean_over_images(sum(samples.values(), start=np.zeros(())), images)


def total(estimates: Estimates) -> Estimate:
    """The estimate of the whole: the layers' sum, with the layers' covariance in its error."""
    return estimates.whole


def readings(quantity: str, found: Estimates) -> Iterator[Reading]:
    """The whole (``layer=""``), then each layer; what the model itself owns is layer ``"(root)"``."""
    whole = total(found)
    yield Reading(quantity, "", whole.value, whole.stderr)
    for layer, estimate in found.items():
        yield Reading(quantity, layer or ROOT, estimate.value, estimate.stderr)


def mean_over_images(samples: NDArray[np.float64], images: int) -> Estimate:
    """The mean over images, from estimates of the sums over groups of images.

    Args:
        samples: float64 ``(groups, draws)``, independent; identically distributed between draws.
        images: how many images the groups have together.

    Error: ``stderr ** 2`` is unbiased for the variance over draws when there are at least two draws
    (``groups * (draws - 1)`` degrees of freedom). With one draw it is the spread between groups, which
    includes how much the images differ: an upper bound in expectation (``groups - 1`` degrees of freedom).
    """
    groups, draws = samples.shape
    value = float(samples.mean(axis=1).sum() / images)
    if draws > 1:
        variance = samples.var(axis=1, ddof=1).sum() / draws
    elif groups > 1:
        variance = groups * samples.var(ddof=1)
    else:
        return Estimate(value, float("inf"))  # one number says nothing about its own error
    return Estimate(value, float(np.sqrt(variance)) / images)
