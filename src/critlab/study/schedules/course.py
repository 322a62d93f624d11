"""The learning rate inside of an epoch: phases of a curve, or a factor for each step."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from critlab._core.digest import digest

SAMPLES = 64
"""Places of an epoch over which a mean is taken."""


class Course(ABC):
    """By which factor the learning rate of an epoch differs from step to step; a frozen value."""

    @abstractmethod
    def factor(self, place: float) -> float:
        """The factor at ``place``, the part of the epoch's steps that were taken, from 0 to below 1."""

    @abstractmethod
    def identity(self) -> Any:
        """The JSON values that name it."""

    @property
    def mean(self) -> float:
        """The mean factor over the epoch, by the midpoint rule: exact where the rate is linear."""
        return math.fsum(self.factor((step + 0.5) / SAMPLES) for step in range(SAMPLES)) / SAMPLES


@dataclass(frozen=True)
class Phase:
    """A stretch of a schedule in which the factor goes from one value to another.

    Args:
        first: where it begins, in epochs; from the start of a run or, within a :class:`PhasedCourse`, of an epoch.
        last: where it ends.
        begins: the factor at ``first``.
        ends: the factor at ``last``.
        shape: ``power``: ``ends + (begins - ends) * (1 - u) ** power``, with u from 0 to 1; ``cosine``:
            ``ends + (begins - ends) * (1 + cos(pi * u)) / 2``.
        power: 1 is linear.
    """

    first: float
    last: float
    begins: float
    ends: float
    shape: Literal["power", "cosine"] = "power"
    power: float = 1.0

    @property
    def flat(self) -> bool:
        """Whether the factor is the same throughout."""
        return self.begins == self.ends

    def factor(self, place: float) -> float:
        """The factor at ``place``, which counts as ``first`` and ``last`` do."""
        passed = min(max((place - self.first) / (self.last - self.first), 0.0), 1.0)
        left = (1 + math.cos(math.pi * passed)) / 2 if self.shape == "cosine" else (1 - passed) ** self.power
        return self.ends + (self.begins - self.ends) * left

    def seen_from(self, epoch: int) -> Phase:
        """The same phase, counted from the start of ``epoch``; a flat one is cut to it."""
        first, last = self.first - epoch, self.last - epoch
        if self.flat:
            first, last = max(first, 0.0), min(last, 1.0)
        return Phase(float(first), float(last), self.begins, self.ends, self.shape, self.power)


@dataclass(frozen=True)
class PhasedCourse(Course):
    """The phases of a schedule that an epoch lies in, counted from its start.

    The number of steps is no part of it, so it is known before the data are.
    """

    phases: tuple[Phase, ...]

    def factor(self, place: float) -> float:
        """The factor of the phase that ``place`` lies in."""
        inside = next((phase for phase in self.phases if place < phase.last), self.phases[-1])
        return inside.factor(place)

    def identity(self) -> list[list[Any]]:
        """Of each phase its values."""
        return [[one.first, one.last, one.begins, one.ends, one.shape, one.power] for one in self.phases]


@dataclass(frozen=True)
class SteppedCourse(Course):
    """A factor for each step of a whole epoch; an epoch of another number of steps goes through them in proportion."""

    factors: tuple[float, ...]

    def factor(self, place: float) -> float:
        """The factor of the step at ``place``."""
        # a place is a quotient of whole numbers, so a step's own may come out just below it
        return self.factors[min(int(place * len(self.factors) + 1e-9), len(self.factors) - 1)]

    def identity(self) -> dict[str, Any]:
        """How many factors, and the digest of all."""
        return {"steps": len(self.factors), "factors": digest("factors", list(self.factors))}


class EpochRate(NamedTuple):
    """The learning rates of an epoch.

    Args:
        lr: of every step; with ``course``, what its factors multiply.
        course: None where every step has the same rate.
    """

    lr: float
    course: Course | None = None

    @property
    def mean(self) -> float:
        """The mean over the epoch."""
        return self.lr if self.course is None else self.lr * self.course.mean


def of_phases(phases: Sequence[Phase], epoch: int, lr: float) -> EpochRate:
    """The rates of one epoch of a schedule; without a course where they are equal.

    Args:
        phases: of the run, counted from its start, without gaps; phases of no length do not count.
        epoch: epochs before this one.
        lr: what the factors multiply.
    """
    there = [one for one in phases if one.first < one.last and one.first < epoch + 1 and one.last > epoch]
    inside = tuple(one.seen_from(epoch) for one in there)
    if all(one.flat and one.begins == inside[0].begins for one in inside):
        return EpochRate(lr * inside[0].begins)
    return EpochRate(lr, PhasedCourse(inside))


def of_factors(factors: Sequence[float], lr: float) -> EpochRate:
    """The rates of an epoch with a factor for each step; without a course where they are equal."""
    if all(one == factors[0] for one in factors):
        return EpochRate(lr * factors[0])
    return EpochRate(lr, SteppedCourse(tuple(factors)))
