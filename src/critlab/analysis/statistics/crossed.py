"""The variance of a mean over seeds and test images together, both samples of a larger population."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from critlab.analysis.statistics.summary import Floats


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


def image_covariance(differences: ArrayLike) -> Floats:
    """The part of the covariances of several means that comes from the sample of images, ``(..., means, means)``.

    As ``image`` of :func:`crossed_variance`, for ``(..., means, seeds, images)``: with the mean products over images B
    and of the rest E, ``(B - E) / (seeds images)``, from which negative eigenvalues are removed. So the variance of
    every sum of the means is at least 0. With one seed there is no E.
    """
    values: Floats = np.asarray(differences, float)
    seeds, images = values.shape[-2:]
    by_image = values.mean(-2)
    rest = values - by_image[..., None, :] - values.mean(-1)[..., None] + values.mean((-2, -1))[..., None, None]
    centred = by_image - by_image.mean(-1, keepdims=True)
    covariance = centred @ np.swapaxes(centred, -1, -2) * seeds
    if seeds > 1:
        flat = rest.reshape(*rest.shape[:-2], seeds * images)
        covariance = covariance - flat @ np.swapaxes(flat, -1, -2) / (seeds - 1)
    found, vectors = np.linalg.eigh(covariance / (max(images - 1, 1) * seeds * images))
    kept: Floats = (vectors * np.maximum(found, 0.0)[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    return kept
