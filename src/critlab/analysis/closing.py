"""The closing epoch: until when a deficit may be removed, with a parametric interval over seeds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from critlab.analysis.curve import Curve
from critlab.analysis.statistics.half_maximum import damaged, half_maximum, mean_draws
from critlab.analysis.statistics.summary import MINIMUM_SEEDS, Floats, scale_of

DRAWS = 2000

FEWEST_DAMAGED = 3
"""Fewest points with damage above 0 from which a closing is read. With one, it would be the middle of the sweep's grid
whatever the damage."""


@dataclass(frozen=True)
class Closing:
    """When the critical period closes.

    Args:
        epoch: epochs trained; between the sweep's points by linear interpolation, with its bias removed. In a window
            curve that never falls it is the last onset.
        low: lower limit of the 95 % interval over seeds.
        high: upper limit; None where the sweep does not bound it.
        open_reason: why the sweep may not contain the closing, in the sweep's own words; empty where it does.
        arm: the curve that it was read off.
        bias: what was removed from the crossing of the mean curve, epochs: with a plateau, the largest of several noisy
            means is too large, so half of it is reached late.
        between: the neighbouring points of the sweep around ``epoch``. No interval over seeds shows where between them
            the damage rises: a step anywhere between them looks the same.
    """

    epoch: float
    low: float | None
    high: float | None
    open_reason: str
    arm: str
    bias: float = 0.0
    between: tuple[float, float] = (math.nan, math.nan)

    @property
    def open_ended(self) -> bool:
        """Whether the sweep may not contain the closing."""
        return bool(self.open_reason)


def closing(curve: Curve, floor: float = 0.0, image_variance: float = 0.0) -> Closing | None:
    """The closing epoch of a curve; None with fewer than :data:`FEWEST_DAMAGED` damaged points or three seeds.

    Ours. For a removal curve: the earliest epoch at which the mean damage, linear between the sweep's points,
    reaches half of its largest value. For a window curve: the epoch after the peak at which it falls below
    half of the peak. Half of the largest *in the sweep*: where the damage would grow further, the closing is
    later, and is marked open.

    Error: the interval is of :func:`critlab.analysis.statistics.half_maximum.half_maximum`, from draws with variances
    pooled over the points; it depends on the seeds alone. In simulated studies of 3 to 10 seeds it holds the crossing
    of the true curve, linear between the same points, in at least 95 % (steps, plateaus, smooth rises, late damage); in
    93 to 95 % where the damage is complete at the first point already.

    Args:
        curve: damages by point and seed.
        floor: least standard deviation over seeds, see :func:`critlab.analysis.statistics.moderated.floor_of_sd`.
        image_variance: variance of each mean from the sample of test images.
    """
    at, seeds, damages = _complete(curve)
    if damages.shape[1] < MINIMUM_SEEDS or damaged_points(curve, floor) < FEWEST_DAMAGED:
        return None
    means = damages.mean(axis=1)
    drawn = mean_draws(damages, DRAWS, _random(seeds), floor, image_variance, _scale(curve))
    found = half_maximum(at, means, drawn, curve.sweep.half_maximum)
    plain, epoch, low, high = (float(part) for part in found)
    last = float(at[-1])
    reason = curve.sweep.open_reason(at, means, plain)
    bias = plain - epoch if math.isfinite(plain) and math.isfinite(epoch) else 0.0
    epoch = min(epoch, last)
    after = min(max(int(np.searchsorted(at, epoch)), 1), at.size - 1)
    between = (float(at[after - 1]), float(at[after]))
    return Closing(epoch, min(low, last), high if math.isfinite(high) else None, reason, curve.arm, bias, between)


def damaged_points(curve: Curve, floor: float = 0.0) -> int:
    """How many points of a curve have damage above 0, each tested alone at 2.5 %, one-sided, with all of its seeds.

    The error over test images counts where it is known.
    """
    points = [point for point in curve.points if point.at != "never"]
    numbered = [{seed.seed: seed.damage for seed in point.seeds} for point in points]
    seeds = sorted(set().union(*numbered))
    damages = np.array([[known.get(seed, np.nan) for seed in seeds] for known in numbered])
    images = np.array([point.image_variance for point in points])
    return int(damaged(damages.reshape(len(numbered), len(seeds)), floor, images, _scale(curve)))


def complete_seeds(curve: Curve) -> int:
    """How many seeds have every point of a curve; a closing is read from these."""
    return len(_complete(curve)[1])


def closing_draws(curve: Curve, floor: float = 0.0, image_variance: float = 0.0) -> Floats:
    """Epochs of the closing as they might have come out, ``(DRAWS,)``; infinite beyond the last point, NaN where none.

    Empty with fewer than two complete seeds. The draws depend on the seeds alone.
    """
    at, seeds, damages = _complete(curve)
    if damages.shape[1] < 2:
        return np.empty(0)
    drawn = mean_draws(damages, DRAWS, _random(seeds), floor, image_variance, _scale(curve))
    return curve.sweep.half_maximum(at, drawn)


def _scale(curve: Curve) -> float:
    return scale_of([value for point in curve.points for seed in point.seeds for value in (seed.score, seed.control)])


def _random(seeds: list[int]) -> Generator:
    return np.random.default_rng([DRAWS, *seeds])


def _complete(curve: Curve) -> tuple[Floats, list[int], Floats]:
    """Points ``(points,)``, the seeds that have all of them, and their damages ``(points, seeds)``."""
    numbered = [point for point in curve.points if point.at != "never"]
    at = np.array([float(point.at) for point in numbered])
    by_seed = [{seed.seed: seed.damage for seed in point.seeds} for point in numbered]
    seeds = sorted(set.intersection(*map(set, by_seed))) if by_seed else []
    return at, seeds, np.array([[known[seed] for seed in seeds] for known in by_seed]).reshape(at.size, len(seeds))
