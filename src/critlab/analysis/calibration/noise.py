"""How the final accuracy of simulated runs varies between seeds: a deviation of one, or four times the variance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.random import Generator

from critlab.analysis.calibration.design import Part
from critlab.analysis.statistics.summary import Floats

Shape = Literal["normal", "skewed", "bimodal"]

APART = 0.95
"""Half the distance between the two clusters of bimodal seeds, in deviations; within a cluster it is 0.31."""


@dataclass(frozen=True)
class Noise:
    """A law of the noise of runs.

    Args:
        name: in results.
        shape: of every run; ``skewed`` is exponential with its tail towards low accuracies.
        of: the shape of some parts of the study alone; the other runs are normal.
        variance: factor of the variance of some parts.
        images: standard deviation over samples of test images of one run's accuracy, the same for all seeds, in units
            of the deviation over seeds.
    """

    name: str
    shape: Shape = "normal"
    of: tuple[Part, ...] = ()
    variance: Mapping[Part, float] = field(default_factory=dict)
    images: float = 0.0

    def draw(self, parts: tuple[Part, ...], studies: int, seeds: int, random: Generator) -> Floats:
        """Deviations of mean 0 over seeds, ``(studies, runs, seeds)``."""
        drawn = np.empty((studies, len(parts), seeds))
        for run, part in enumerate(parts):
            shape = self.shape if not self.of or part in self.of else "normal"
            drawn[:, run] = _values(shape, (studies, seeds), random) * self.variance.get(part, 1.0) ** 0.5
        if self.images:
            drawn += self.images * random.standard_normal((studies, len(parts), 1))
        return drawn


def _values(shape: Shape, size: tuple[int, int], random: Generator) -> Floats:
    if shape == "skewed":
        return 1 - random.standard_exponential(size)
    if shape == "bimodal":
        within = (1 - APART**2) ** 0.5
        found: Floats = APART * random.choice([-1.0, 1.0], size) + within * random.standard_normal(size)
        return found
    return random.standard_normal(size)


NORMAL = Noise("normal")

IMAGES = Noise("test images", images=0.3)

NOISES = (
    NORMAL,
    Noise("variance x4, deprived", variance={"deprived": 4, "last": 4}),
    Noise("variance x4, last point", variance={"last": 4}),
    Noise("variance x4, clean", variance={"clean": 4}),
    Noise("variance x4, frozen", variance={"frozen": 4}),
    Noise("skewed", "skewed"),
    Noise("skewed, deprived", "skewed", of=("deprived", "last")),
    Noise("skewed, clean", "skewed", of=("clean",)),
    Noise("bimodal", "bimodal"),
    IMAGES,
)
"""Runs that differ in their variance or are not normal; a test of means must hold its level for all of them."""
