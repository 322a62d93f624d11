"""The variance of a mean over seeds and test images together, both samples of a larger population."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from critlab.analysis.statistics.summary import Floats

LARGE = 1e6
"""Degrees of freedom at which Student's t is the normal distribution."""


@dataclass(frozen=True)
class CrossedVariance:
    """Variance of the mean of ``seeds`` by ``images`` values; fractions of accuracy squared, ``(...)``.

    Args:
        seed: the part of the seeds, including each seed's own noise on each image: the variance over seeds of the
            damage on these very images, divided by the seeds.
        image: the part of the sample of images: how far the damage on all images may lie from that on these.
    """

    seed: Floats
    image: Floats

    @property
    def limited_by(self) -> Literal["seeds", "images"]:
        """The larger part (of the mean over an array of studies): more of these would narrow the interval most."""
        return "images" if float(np.mean(self.image)) > float(np.mean(self.seed)) else "seeds"


def crossed_variance(differences: ArrayLike) -> CrossedVariance:
    """Both parts of the variance of the mean of ``differences``, ``(..., seeds, images)``.

    A difference is, for one seed and one test image, the signed sum of the correctness (0 or 1) of a contrast's runs.
    Two-way random effects without replication: with the mean squares over seeds A, over images B and of the rest E,
    ``seed = A / (seeds images)`` and ``image = (B - E) / (seeds images)``, whose sum is unbiased for the variance of
    the mean. With one seed there is no E, and B takes its place: an upper bound. Cost: a few passes over the values.
    Source: Searle, Casella and McCulloch 1992, Variance Components, chapter 4.
    """
    values: Floats = np.asarray(differences, float)
    seeds, images = values.shape[-2:]
    mean = values.mean((-2, -1))
    by_seed, by_image = values.mean(-1), values.mean(-2)
    size = seeds * images
    image_square = seeds * ((by_image - mean[..., None]) ** 2).sum(-1) / max(images - 1, 1)
    if seeds == 1:
        return CrossedVariance(np.full(mean.shape, np.nan), image_square / size)
    seed_square = images * ((by_seed - mean[..., None]) ** 2).sum(-1) / (seeds - 1)
    rest = values - by_seed[..., :, None] - by_image[..., None, :] + mean[..., None, None]
    rest_square = (rest**2).sum((-2, -1)) / ((seeds - 1) * max(images - 1, 1))
    return CrossedVariance(seed_square / size, np.maximum(image_square - rest_square, 0.0) / size)


def satterthwaite(seed: Floats, freedom: Floats, image: Floats) -> Floats:
    """Degrees of freedom of ``seed + image``, variances of a mean, where thousands of images make the second exact.

    ``freedom (1 + image / seed)^2`` (Satterthwaite 1946), ``(...)``.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(image > 0, image / seed, 0.0)
    found: Floats = np.minimum(freedom * (1 + ratio) ** 2, LARGE)
    return found
