"""The damage class by class: which test examples a deficit leaves harder to classify."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from critlab.analysis.curve import curve
from critlab.analysis.statistics.crossed import crossed_variance
from critlab.analysis.statistics.moderated import floor_of_sd
from critlab.analysis.statistics.summary import Floats, satterthwaite, t_quantile
from critlab.analysis.tables.study_table import StudyTable
from critlab.analysis.test_images import image_differences
from critlab.study.types import Place


@dataclass(frozen=True)
class ClassDamage:
    """The damage of one class at one point of the sweep; fractions of accuracy.

    Args:
        label: the class number.
        at: removal epoch, ``"never"``, or onset.
        n: seeds.
        images: test examples of the class.
        estimate: mean over seeds and examples of the control's correctness minus that of the run.
        low: lower limit of the 95 % interval of this class alone, over seeds and examples; None for one seed.
        high: upper limit.
    """

    label: int
    at: Place
    n: int
    images: int
    estimate: float
    low: float | None
    high: float | None


def class_damages(results: StudyTable) -> Iterator[ClassDamage]:
    """The damage of each class at each point of the study's own deficit, in the order of the sweep.

    None where the store lacks the labels of the test examples, or which of them were classified correctly. Cost: as
    :func:`~critlab.analysis.test_images.image_differences` for each point.
    """
    known = None if results.examples is None else results.examples.test_labels
    if known is None:
        return
    labels = np.asarray(known)
    order = [point.at for point in curve(results).points]
    for run in results.study.runs:
        if run.role != "deficit" or not run.controls or run.at not in order:
            continue
        differences = image_differences(results, ((1, run.controls[0].control), (-1, run.name)))
        if differences is None or differences.shape[1] != len(labels):
            continue
        for label in np.unique(labels):
            yield _of_class(int(label), run.at, differences[:, labels == label])


def _of_class(label: int, at: Place, differences: Floats) -> ClassDamage:
    """The mean of ``(seeds, images)`` with an interval for both as samples; seeds that agree have that of rounding."""
    seeds, images = differences.shape
    mean, low, high = float(differences.mean()), None, None
    if seeds > 1:
        found = crossed_variance(differences)
        by_seed = np.maximum(found.seed, floor_of_sd(images) ** 2 / seeds)
        freedom = satterthwaite(by_seed, np.asarray(float(seeds - 1)), found.image)
        half = float(t_quantile(0.975, freedom) * np.sqrt(by_seed + found.image))
        low, high = mean - half, mean + half
    return ClassDamage(label, at, seeds, images, mean, low, high)
