"""Test images as a sample: against a computation by hand, and over studies with planted variances."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from critlab.analysis.statistics.crossed import crossed_variance
from critlab.analysis.statistics.summary import satterthwaite
from critlab.analysis.tables.results import Results
from critlab.analysis.test_images import image_differences, image_sample, image_variance
from critlab.measures.correct_images import CorrectImages
from synthetic import synthetic_results


def by_hand(values: NDArray[np.float64]) -> float:
    """The image part of the variance of the mean: over pairs of seeds, the covariance of their images."""
    seeds, images = values.shape
    covariances = [
        np.cov(values[one], values[other])[0, 1] for one in range(seeds) for other in range(seeds) if one != other
    ]
    part: float = np.mean(covariances) / images
    return part


@pytest.mark.parametrize(("seeds", "images"), [(2, 5), (3, 40), (7, 11)])
def test_the_image_part_is_the_covariance_between_seeds(seeds: int, images: int) -> None:
    """What two seeds have in common on an image is the image's own; the rest is the noise of each seed on it."""
    rng = np.random.default_rng(seeds)
    values = rng.normal(size=(seeds, images)) + 2 * rng.normal(size=images)
    assert float(crossed_variance(values).image) == pytest.approx(by_hand(values))


def test_noise_of_each_seed_on_each_image_is_no_sample_of_images() -> None:
    """Without a part of the images, the estimate is about 0 where the plain variance over images is not."""
    values = np.random.default_rng(0).normal(size=(4000, 3, 60))
    found = crossed_variance(values).image
    plain = values.mean(1).var(-1, ddof=1) / 60
    assert np.all(found >= 0)
    assert found.mean() < 0.5 * plain.mean()


@pytest.mark.parametrize(("seed_part", "image_part"), [(0.02, 0.3), (0.002, 0.5), (0.0, 0.3)])
def test_the_interval_holds_seeds_and_images(seed_part: float, image_part: float) -> None:
    """Of 95 % intervals for the damage on all images and all seeds, at least 93 % hold it; without images far fewer."""
    rng = np.random.default_rng(3)
    studies, seeds, images = 2000, 5, 200
    values = (
        0.03
        + seed_part * rng.normal(size=(studies, seeds, 1))
        + image_part * rng.normal(size=(studies, 1, images))
        + 0.4 * rng.normal(size=(studies, seeds, images))
    )
    found, mean = crossed_variance(values), values.mean((-2, -1))

    def held(image: Any) -> float:
        freedom = satterthwaite(found.seed, np.full(studies, seeds - 1.0), image)
        half = stats.t.ppf(0.975, freedom) * np.sqrt(found.seed + image)
        return float(np.mean(np.abs(mean - 0.03) <= half))

    assert held(found.image) >= 0.93
    assert held(0.0 * found.image) < held(found.image)
    truth = image_part**2 / images
    assert found.image.mean() == pytest.approx(truth, rel=0.15)


def with_bits(results: Results, correct: Any) -> Results:
    """The results with ``correct(run, seed, epoch)`` as the test images that are classified correctly."""
    bits = {
        (outcome.name, epoch): CorrectImages.of(found)
        for outcome in results.outcomes
        for epoch in outcome.run.final_epochs(results.study.statistics.final_epochs)
        if (found := correct(outcome.run.name, outcome.seed, epoch)) is not None
    }
    return replace(results, correct=bits)


def pair(results: Results) -> tuple[tuple[int, str], ...]:
    run = next(run for run in results.study.runs if run.role == "deficit")
    return (1, run.controls[0].control), (-1, run.name)


def test_a_contrast_of_runs_is_the_signed_sum_over_its_final_epochs() -> None:
    results = synthetic_results(3)
    rng = np.random.default_rng(1)
    known = {
        (outcome.run.name, outcome.seed, epoch): rng.random(50) < 0.6
        for outcome in results.outcomes
        for epoch in outcome.run.final_epochs(results.study.statistics.final_epochs)
    }
    found = with_bits(results, lambda *key: known[key])
    terms = pair(results)
    expected = np.array(
        [
            [
                sum(
                    sign * np.mean([known[name, seed, e][image] for n, seed_, e in known if (n, seed_) == (name, seed)])
                    for sign, name in terms
                )
                for image in range(50)
            ]
            for seed in results.study.seeds
        ]
    )
    differences = image_differences(found, terms)
    assert differences is not None
    assert np.allclose(differences, expected)
    sample = image_sample(found, terms)
    assert sample is not None
    assert (sample.images, sample.seeds) == (50, 3)
    assert sample.variance == image_variance(found, terms) == pytest.approx(max(by_hand(expected), 0.0))


def test_what_limits_a_study() -> None:
    """Seeds that agree on which images the deficit costs are limited by the images, seeds that differ by the seeds."""
    results = synthetic_results(4)
    control = pair(results)[0][1]
    hard = np.arange(60) % 5 == 0

    def same_images(run: str, seed: int, epoch: int) -> NDArray[np.bool_]:
        return np.ones(60, bool) if run == control else ~hard

    def other_amounts(run: str, seed: int, epoch: int) -> NDArray[np.bool_]:
        rng = np.random.default_rng(seed)
        return np.ones(60, bool) if run == control else rng.permutation(60) >= 4 + 12 * seed

    by_images, by_seeds = (image_sample(with_bits(results, one), pair(results)) for one in (same_images, other_amounts))
    assert by_images is not None
    assert by_seeds is not None
    assert (by_images.limited_by, by_seeds.limited_by) == ("images", "seeds")
    assert by_images.variance == pytest.approx(np.var(hard, ddof=1) / 60)


def test_what_is_not_known_is_left_out() -> None:
    """An old record has no bits: intervals hold the seeds only, and no other seed's bits stand in for them."""
    results = synthetic_results(3)
    terms = pair(results)
    assert image_sample(results, terms) is None
    assert image_variance(results, terms) == 0.0
    last = max(results.run_named[terms[1][1]].final_epochs(results.study.statistics.final_epochs))
    rng = np.random.default_rng(5)

    def lost(run: str, seed: int, epoch: int) -> NDArray[np.bool_] | None:
        return None if (run, seed, epoch) == (terms[1][1], 1, last) else rng.random(30) < 0.5

    sample = image_sample(with_bits(results, lost), terms)
    assert sample is not None
    assert sample.seeds == 2
    other = with_bits(results, lambda run, seed, epoch: rng.random(30 + seed) < 0.5)
    assert image_sample(other, terms) is None, "seeds that were tested on different images have none in common"
