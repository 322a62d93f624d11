"""Results whose test images are a sample: the correctness of each image is made up, and accuracies follow from it."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from critlab.analysis.tables.results import Results
from critlab.measures.correct_images import CorrectImages
from critlab.study import Run
from synthetic import synthetic_results

Correct = Callable[[Run, int], NDArray[np.bool_] | None]


def with_images(results: Results, correct: Correct) -> Results:
    """The results with ``correct(run, seed)`` as the test images that are classified correctly in all final epochs.

    Final accuracies are the shares of these images. Where it is None, both stay as they are.
    """
    most = results.study.statistics.final_epochs
    bits: dict[tuple[str, int], CorrectImages] = {}
    shares: dict[tuple[str, int], float] = {}
    for outcome in results.outcomes:
        if (found := correct(outcome.run, outcome.seed)) is not None:
            packed = CorrectImages.of(found)
            for epoch in outcome.run.final_epochs(most):
                bits[outcome.name, epoch], shares[outcome.name, epoch] = packed, float(found.mean())
    rows = tuple(
        replace(row, value=shares.get((row.run, row.epoch), row.value)) if row.quantity == "test_accuracy" else row
        for row in results.rows
    )
    return replace(results, rows=rows, correct=bits)


def image_limited(
    seeds: int = 5, images: int = 400, lost: float = 0.05, flipped: float = 0.004, state: int = 0, **study: Any
) -> Results:
    """A study in which the deficit costs every seed the same images, so that the test images limit it.

    Args:
        seeds: how many.
        images: in the test set.
        lost: probability that the deficit costs an image, whatever the seed.
        flipped: probability that a run and seed classifies an image otherwise.
        state: of the random numbers.
        study: further arguments of :func:`synthetic.synthetic_results`.
    """
    results = synthetic_results(seeds, **study)
    known = np.random.default_rng([state, 0]).random(images) < 0.85
    costs: Mapping[str, float] = {"deficit": lost, "clock_control": lost, "delay_control": lost / 3}
    hard = np.random.default_rng([state, 1]).random(images)

    def correct(run: Run, seed: int) -> NDArray[np.bool_]:
        flips = np.random.default_rng([state, seed, zlib.crc32(run.name.encode())]).random(images) < flipped
        found: NDArray[np.bool_] = (known & (hard >= costs.get(run.role, 0.0))) ^ flips
        return found

    return with_images(results, correct)
