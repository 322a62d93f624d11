"""Test images are a sample as well: how far a damage would move with others, and the least error that they leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from critlab.analysis.statistics.crossed import crossed_variance
from critlab.analysis.statistics.crossed import image_covariance as covariance_over_images
from critlab.analysis.statistics.moderated import floor_of_sd
from critlab.analysis.statistics.summary import Floats
from critlab.analysis.tables.study_table import StudyTable

Terms = Sequence[tuple[float, str]]
"""A weight, +1 or -1 in a single damage, and the name of a run each: the sum of ``weight * final accuracy``."""


Part = Literal["test", "train"]


@dataclass(frozen=True)
class ImageSample:
    """The test images of a damage as a sample.

    Args:
        variance: of the mean damage over seeds, from the choice of test images alone; a fraction of accuracy squared.
            It stays as it is, however many seeds are added.
        images: how many test images there are.
        seeds: in how many seeds the store knows which of them were classified correctly.
        limited_by: what makes the interval of the damage wide, the number of seeds or of test images.
    """

    variance: float
    images: int
    seeds: int
    limited_by: Literal["seeds", "images"]


def image_sample(results: StudyTable, terms: Terms) -> ImageSample | None:
    """The test images as a sample for the damage ``terms``.

    None where no seed says which images were correct, and where the study's metric is no share of right answers. It is
    computed once: a verdict, curves and charts ask for the same damages.
    """
    known, key = results.image_samples, tuple(terms)
    if key not in known:
        known[key] = _image_sample(results, key)
    found: ImageSample | None = known[key]
    return found


def _image_sample(results: StudyTable, terms: Terms) -> ImageSample | None:
    differences = image_differences(results, terms) if terms and results.metric.counted else None
    if differences is None:
        return None
    seeds, images = differences.shape
    found = crossed_variance(differences)
    return ImageSample(float(found.image), images, seeds, found.limited_by)


def least_sd(results: StudyTable, runs: int = 2, part: Part = "test") -> float:
    """The least standard deviation over seeds of a signed sum of final scores, for every interval that is quoted.

    Seeds that agree by chance then still have an error. Only a share of right answers to examples has one, that of its
    rounding; 0 for other metrics, for shares of pixels or tokens, and where nothing says how many examples there are.
    A mean over several points of a sweep keeps that of one point.

    Args:
        results: of a study.
        runs: how many scores are summed; two for a damage.
        part: the data on which they are measured; the training score counts the examples of an epoch.
    """
    rounded = results.metric.counted and results.study.task.unit == "example"
    examples = _counted(results, part) if rounded else 0
    return floor_of_sd(examples, runs) if examples else 0.0


def least_sd_of(results: StudyTable, quantity: str, runs: int = 1) -> float:
    """As :func:`least_sd` for a quantity of the tidy table; 0 for all but the study's metric."""
    parts: dict[str, Part] = {results.metric.test: "test", results.metric.train: "train"}
    return least_sd(results, runs, parts[quantity]) if quantity in parts else 0.0


def image_variance(results: StudyTable, terms: Terms) -> float:
    """As :attr:`ImageSample.variance`; 0 where it is unknown."""
    sample = image_sample(results, terms)
    return 0.0 if sample is None else sample.variance


def image_covariance(results: StudyTable, first: Terms, second: Terms) -> Floats | None:
    """The covariance of two mean damages from the choice of test images, ``(2, 2)``; None where it is unknown.

    Of the seeds of which both damages are known on every image. Without such seeds the errors count as independent.
    """
    samples = [image_sample(results, one) for one in (first, second)]
    if samples[0] is None or samples[1] is None:
        variances = [0.0 if one is None else one.variance for one in samples]
        return np.diag(variances) if any(variances) else None
    rows = [
        [one, other]
        for seed in results.study.seeds
        if (one := _damage(results, first, seed)) is not None and (other := _damage(results, second, seed)) is not None
    ]
    if not rows or len({one.size for pair in rows for one in pair}) != 1:
        return np.diag([samples[0].variance, samples[1].variance])
    return covariance_over_images(np.moveaxis(np.array(rows), 0, 1))


def images_recorded(results: StudyTable) -> Literal["all", "some", "none"]:
    """Of how many finished runs it is known which test images were classified correctly, in all final epochs."""
    most = results.study.statistics.final_epochs
    known = [
        all((outcome.name, epoch) in results.correct for epoch in outcome.run.final_epochs(most))
        for outcome in results.outcomes
        if outcome.name in results.final_scores
    ]
    return "all" if all(known) else "some" if any(known) else "none"


def image_differences(results: StudyTable, terms: Terms) -> Floats | None:
    """The damage of each seed on each test image, averaged over the final epochs: float64 ``(seeds, images)``.

    The mean over the images of a seed is the seed's damage. Only the seeds whose runs are all done and say which images
    were correct, in all final epochs, are in it; None where there are none, or where the runs have been tested on
    different numbers of images. Cost: it unpacks ``terms * seeds * final epochs * images`` bits.
    """
    rows = [row for seed in results.study.seeds if (row := _damage(results, terms, seed)) is not None]
    return np.stack(rows) if rows and len({row.size for row in rows}) == 1 else None


def _counted(results: StudyTable, part: Part) -> int:
    """How many examples a score is a share of; 0 where that is not known.

    Of a user's own data only the store knows it, from which test examples were classified correctly.
    """
    sizes = results.study.data.sizes()
    if sizes is not None:
        return sizes.test if part == "test" else sizes.epoch
    return next((one.shape[0] for one in results.correct.values()), 0) if part == "test" else 0


def _damage(results: StudyTable, terms: Terms, seed: int) -> Floats | None:
    found = [(sign, _accuracy(results, name, seed)) for sign, name in terms]
    known = [sign * accuracy for sign, accuracy in found if accuracy is not None]
    if len(known) < len(found) or len({one.size for one in known}) != 1:
        return None
    total: Floats = np.sum(known, axis=0)
    return total


def _accuracy(results: StudyTable, name: str, seed: int) -> Floats | None:
    """The accuracy of one run on each test image, over its final epochs; None where it is not known."""
    run = results.run_named[name]
    identifier = run.identifier(seed)
    if identifier not in results.final_scores:
        return None
    epochs = run.final_epochs(results.study.statistics.final_epochs)
    bits = [results.correct.get((identifier, epoch)) for epoch in epochs]
    known = [one.shares() for one in bits if one is not None]
    if len(known) < len(bits) or len({one.size for one in known}) != 1:
        return None
    mean: Floats = np.mean(known, axis=0)
    return mean
