"""Estimates of a quantity layer by layer, that still know the whole and its error."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from critlab._core.estimate import Estimate
from critlab.measures.reading import Reading
from critlab.measures.spread import INTERVAL, of_repeated, of_single

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
        together = [sum(draws[1:], start=draws[0]) for draws in zip(*samples.values(), strict=True)]
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

    Error: ``value +- 1.96 stderr`` is an interval of 95 %: ``stderr`` is the standard deviation over draws, as far as
    it is known, made larger for what is not known of it (:meth:`Spread.half_width`). Where all groups have at least two
    draws, the square of that standard deviation is unbiased. Groups of one draw add their spread about a straight line
    in ``along``, which includes how much images differ otherwise: an upper bound in expectation. It is infinite where
    no group says anything about its own error.
    """
    repeated = [draws for draws in samples if len(draws) > 1]
    single = [place for place, draws in enumerate(samples) if len(draws) == 1]
    values = np.array([samples[place][0] for place in single])
    spread = of_repeated(repeated)
    if single:
        spread += of_single(values, None if along is None else along[single])
    value = (math.fsum(values) + math.fsum(draws.mean() for draws in repeated)) / images
    return Estimate(value, spread.half_width() / INTERVAL / images)
