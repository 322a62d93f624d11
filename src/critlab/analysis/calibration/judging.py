"""Simulated studies and the decisions on them, with a fixed number of seeds and look by look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from critlab.analysis.calibration.design import Design
from critlab.analysis.calibration.noise import Noise
from critlab.analysis.calibration.truths import Truth
from critlab.analysis.judgement.decision import Decision, Family, decide
from critlab.analysis.statistics.sequential import look_level
from critlab.analysis.statistics.summary import LEVEL, Floats

DEVIATION = 0.01
"""Standard deviation over seeds of one run's accuracy: one point."""

CALM = 0.003
"""The deviation in simulations about "absent", which needs intervals narrower than the smallest damage of interest."""

TEST_IMAGES = 1000.0
"""Degrees of freedom with which the variance over test images is known."""


@dataclass(frozen=True)
class Simulated:
    """Damages of simulated studies.

    Args:
        design: of them all.
        damages: fractions, ``(studies, contrasts, seeds)``.
        truth: the true damages, ``(contrasts,)``.
        image_variance: as a study would estimate it, ``(studies, contrasts)``.
        hidden: whether longer training hides damage that no contrast of the design shows.
    """

    design: Design
    damages: Floats
    truth: Floats
    image_variance: Floats
    hidden: bool

    def first(self, seeds: int) -> Simulated:
        """The same studies after their first seeds."""
        return Simulated(self.design, self.damages[..., :seeds], self.truth, self.image_variance, self.hidden)


@dataclass(frozen=True)
class Law:
    """What a simulation draws from: true effects, and how the accuracy of each run varies between seeds."""

    truth: Truth
    noise: Noise
    deviation: float = DEVIATION


def simulate(design: Design, law: Law, studies: int, seeds: int, random: Generator) -> Simulated:
    """Damages as a study of ``design`` would measure them if ``law`` held; each run has its own noise."""
    truth, noise = law.truth, law.noise
    effects = design.effects(truth)
    runs = effects[:, None] + law.deviation * noise.draw(design.parts, studies, seeds, random)
    images = (law.deviation * noise.images) ** 2 * design.lengths
    known = images * random.chisquare(TEST_IMAGES, (studies, 1)) / TEST_IMAGES
    hidden = bool(truth.length) and "equal_total" not in design.kinds
    damages = np.einsum("cr,srn->scn", design.signs, runs)
    return Simulated(design, damages, design.signs @ effects, np.broadcast_to(known, damages.shape[:2]), hidden)


def judge(simulated: Simulated, level: float = LEVEL) -> Decision:
    """The decision on each study, by the code that judges a real one."""
    design = simulated.design
    return decide(
        Family(
            simulated.damages,
            design.kinds,
            design.smallest,
            image_variance=simulated.image_variance,
            complete=design.complete,
            length=design.length,
            level=level,
            layout=design.layout,
        )
    )


@dataclass(frozen=True)
class Outcome:
    """What was answered.

    Args:
        answer: of each study, ``(studies,)``.
        seeds: at which it was answered, ``(studies,)``.
        estimate: damages, ``(studies, contrasts)``.
        low: their lower limits.
        high: their upper limits.
    """

    answer: NDArray[np.str_]
    seeds: Floats
    estimate: Floats
    low: Floats
    high: Floats


def outcome(simulated: Simulated, looks: Sequence[int]) -> Outcome:
    """The answers at the first of ``looks`` that decides, else at the last; one look is a fixed number of seeds."""
    level = look_level(tuple(looks))
    found: Outcome | None = None
    for seeds in looks:
        decision = judge(simulated.first(seeds), level)
        now = Outcome(
            decision.answer,
            np.full(decision.answer.shape, float(seeds)),
            decision.estimate,
            decision.low,
            decision.high,
        )
        found = now if found is None else _continued(found, now)
    if found is None:
        raise ValueError("looks: received none; give at least one number of seeds")
    return found


def _continued(before: Outcome, now: Outcome) -> Outcome:
    """The later look at the studies that were undecided."""
    going = before.answer == "undecided"
    each = going[:, None]
    return Outcome(
        np.where(going, now.answer, before.answer),
        np.where(going, now.seeds, before.seeds),
        np.where(each, now.estimate, before.estimate),
        np.where(each, now.low, before.low),
        np.where(each, now.high, before.high),
    )
