"""What a confound is, and at which of the judged points another curve has results."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from critlab.analysis.curve import Curve, Place
from critlab.analysis.statistics import Summary
from critlab.analysis.statistics.ratio import Share


@dataclass(frozen=True, kw_only=True)
class Confound(ABC):
    """Another explanation of the damage; each kind is a class of its own.

    Args:
        at: the judged points over which the numbers are averaged.
        effect: what was measured, in the unit of the study's metric; each kind says what. None where nothing was.
        damage: the lasting damage at the same points and seeds; None where it is not known, or not compared.
        share: the part of the damage that it accounts for, with a 95 % interval; each kind says whose. None where too
            few seeds are done, and for a kind that only states facts.
    """

    at: tuple[Place, ...] = ()
    effect: Summary | None = None
    damage: Summary | None = None
    share: Share | None = None

    @property
    @abstractmethod
    def name(self) -> str:
        """Which confound, unique in a verdict."""


def shared_places(judged: Sequence[Place], other: Curve) -> tuple[Place, ...]:
    """The judged points at which another curve has results."""
    return tuple(at for at in judged if any(at == point.at for point in other.tested))
