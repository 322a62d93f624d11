"""What a confound is, which share of the damage it accounts for, and how a curve is averaged over judged points."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from critlab.analysis.curve import Curve, Place
from critlab.analysis.statistics import MINIMUM_SEEDS, Summary, summarise
from critlab.analysis.statistics.ratio import Share, share


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


def by_seed(of: Curve, judged: Sequence[Place], field: str = "damage") -> dict[int, float]:
    """Each seed's mean of ``field`` over the judged points; only seeds that have it at all of them."""
    values = [{s.seed: getattr(s, field) for s in point.seeds} for point in of.points if point.at in judged]
    if not values or len(values) < len(judged):
        return {}
    values = [{seed: value for seed, value in known.items() if value is not None} for known in values]
    shared = set.intersection(*map(set, values))
    return {seed: sum(known[seed] for known in values) / len(values) for seed in sorted(shared)}


def difference(first: dict[int, float], second: dict[int, float], floor: float) -> Summary | None:
    """First minus second over the seeds that have both; None where none has."""
    return mean(differences(first, second), floor)


def differences(first: dict[int, float], second: dict[int, float]) -> dict[int, float]:
    """First minus second of each seed that has both."""
    return {seed: first[seed] - second[seed] for seed in first if seed in second}


def mean(values: dict[int, float], floor: float) -> Summary | None:
    """Over the seeds, with the least standard deviation ``floor``; None where there are none."""
    return summarise(list(values.values()), floor) if values else None


def share_of(part: dict[int, float], whole: dict[int, float], floor: float | tuple[float, float]) -> Share | None:
    """The mean of ``part`` divided by that of ``whole``, over the seeds that have both; None with too few seeds.

    The interval is that of Fieller, for paired values, with the least standard deviation ``floor`` of both or of each;
    see :func:`critlab.analysis.statistics.ratio.share`.
    """
    seeds = sorted(part.keys() & whole.keys())
    if len(seeds) < MINIMUM_SEEDS:
        return None
    return share([part[seed] for seed in seeds], [whole[seed] for seed in seeds], floor)


def shared_places(judged: Sequence[Place], other: Curve) -> tuple[Place, ...]:
    """The judged points at which another curve has results."""
    return tuple(at for at in judged if any(at == point.at for point in other.tested))
