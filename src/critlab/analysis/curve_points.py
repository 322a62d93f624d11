"""The points of a curve: what each seed gives, their means, and points that no seed has."""

from __future__ import annotations

from dataclasses import dataclass

from critlab._core.estimate import Estimate
from critlab.analysis.statistics import Summary, scale_of, summarise
from critlab.study.runs.estimands import Terms
from critlab.study.types import Place


@dataclass(frozen=True)
class SeedPoint:
    """One seed at one point; all but ``seed`` are in the unit of the study's metric, such as fractions of accuracy.

    Args:
        seed: of the run and of its control.
        score: final test score.
        control: final test score of the clean run with the same seed.
        damage: how much worse the score is than the control's.
        train_score: the final score on training data; None where it is not known, here or in the control.
        train_gap: how much worse the final training score is than the control's; None where either is not known.
    """

    seed: int
    score: float
    control: float
    damage: float
    train_score: float | None
    train_gap: float | None

    @property
    def accuracy(self) -> float:
        """The score, as studies of accuracy call it."""
        return self.score


@dataclass(frozen=True)
class CurvePoint:
    """One point of a curve: means over seeds, in the unit of the study's metric, with 95 % t intervals.

    The intervals hold seeds and, where the store says which were correct, test images. Each holds alone, whatever the
    other points: the largest of several points is quoted with the simultaneous interval of its named damage.

    Args:
        at: removal epoch, ``"never"``, or onset.
        n: seeds of which both the run and its control are done.
        score: final test score, such as accuracy; its stderr, as all others, is infinite for one seed.
        score_low: lower limit; None for one seed, as all limits.
        score_high: upper limit.
        train_score: the final score on training data; None where a seed has none.
        control: final test score of the clean runs with the same seeds.
        damage: how much worse the score is than the control's, paired by seed.
        low: lower limit of the damage.
        high: upper limit of the damage.
        seeds: what the means are made of.
        diverged: seeds left out because this run diverged.
        missing: seeds left out because the run or its control is not done, or the control diverged.
        mixed: seeds whose run and control were made on more than one kind of machine or version of torch.
        least_sd: the least standard deviation over seeds of a damage, see
            :func:`critlab.analysis.test_images.least_sd`; 0 where a run is compared with itself.
        least_sd_of_score: the same of a score.
        terms: a sign and the name of a run each, whose scores add up to the damage; none where a run is compared with
            itself.
        image_variance: variance of the mean damage from the choice of test images, which its interval holds; 0 where it
            is not known.
        image_variance_of_control: the same of the score of the control.
    """

    at: Place
    n: int
    score: Estimate
    score_low: float | None
    score_high: float | None
    train_score: Estimate | None
    control: Estimate
    damage: Estimate
    low: float | None
    high: float | None
    seeds: tuple[SeedPoint, ...]
    diverged: int = 0
    missing: int = 0
    mixed: int = 0
    least_sd: float = 0.0
    least_sd_of_score: float = 0.0
    terms: Terms = ()
    image_variance: float = 0.0
    image_variance_of_control: float = 0.0

    @property
    def accuracy(self) -> Estimate:
        """The score, as studies of accuracy call it."""
        return self.score

    @property
    def train_accuracy(self) -> Estimate | None:
        """The training score, as studies of accuracy call it."""
        return self.train_score

    @property
    def damages(self) -> Summary:
        """The damage with its standard deviation over seeds."""
        damages = [seed.damage for seed in self.seeds]
        return summarise(damages, self.least_sd, self.image_variance, scale=self._scale)

    @property
    def controls(self) -> Summary:
        """The score of the control with its standard deviation over seeds."""
        controls = [seed.control for seed in self.seeds]
        return summarise(controls, self.least_sd_of_score, self.image_variance_of_control, scale=self._scale)

    @property
    def _scale(self) -> float:
        return scale_of([value for seed in self.seeds for value in (seed.score, seed.control)])


@dataclass(frozen=True)
class Gap:
    """A point without any seed: all its runs diverged, or they or their controls are not done."""

    at: Place
    diverged: int
    missing: int
