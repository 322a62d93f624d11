"""The closing epoch: until when a deficit may be removed, with a bootstrap interval over seeds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from critlab.analysis.curve import Curve
from critlab.analysis.statistics import LEVEL, MINIMUM_SEEDS, Floats, t_quantile
from critlab.study.sweeps import Sweep

RESAMPLES = 2000


@dataclass(frozen=True)
class Closing:
    """When the critical period closes.

    Args:
        epoch: epochs trained; between the sweep's points by linear interpolation. In a window curve that
            never falls it is the last onset.
        low: lower limit of the 95 % bootstrap interval; None where fewer than three seeds have every point.
        high: upper limit; None in the same case, and where the sweep does not bound it.
        open_reason: why the sweep may not contain the closing, in the sweep's own words; empty where it does.
        arm: the curve that it was read off.
    """

    epoch: float
    low: float | None
    high: float | None
    open_reason: str
    arm: str

    @property
    def open_ended(self) -> bool:
        """Whether the sweep may not contain the closing."""
        return bool(self.open_reason)


def closing(curve: Curve) -> Closing | None:
    """The closing epoch of a curve; None where its mean damage is nowhere positive.

    Ours. For a removal curve: the earliest epoch at which the mean damage, linear between the sweep's points,
    reaches half of its largest value. For a window curve: the epoch after the peak at which it falls below
    half of the peak. Half of the largest *in the sweep*: where the damage would grow further, the closing is
    later, and is marked open.

    Error: the interval is a percentile bootstrap over seeds, all points of a seed together; deviations of the
    resampled means are widened by ``t(0.975, n - 1) / z(0.975) * sqrt(n / (n - 1))``, since a plain
    percentile interval from five seeds is a third too narrow. The draws depend on the seeds alone. The grid
    of the sweep adds a bias of up to its spacing, which no interval shows.
    """
    numbered = [point for point in curve.points if point.at != "never"]
    at = np.array([float(point.at) for point in numbered])
    by_seed = [{seed.seed: seed.damage for seed in point.seeds} for point in numbered]
    complete = sorted(set.intersection(*map(set, by_seed))) if by_seed else []
    enough = len(complete) >= MINIMUM_SEEDS
    damages = np.array([[known[seed] for known in by_seed] for seed in complete])
    means = damages.mean(axis=0) if enough else np.array([point.damage.value for point in numbered])
    if not means.size or means.max() <= 0:
        return None
    epoch = float(curve.sweep.half_maximum(at, means))
    low, high = _interval(at, damages, complete, curve.sweep) if enough else (None, None)
    reason = curve.sweep.open_reason(at, means, epoch)
    return Closing(min(epoch, float(at[-1])), low, high, reason, curve.arm)


def _interval(at: Floats, damages: Floats, seeds: list[int], sweep: Sweep) -> tuple[float | None, float | None]:
    from scipy.special import ndtri

    n = len(seeds)
    random = np.random.default_rng([RESAMPLES, *seeds])
    drawn = random.integers(n, size=(RESAMPLES, n))
    means = damages.mean(axis=0)
    widened = float(t_quantile(1 - LEVEL, n - 1)) / ndtri(1 - LEVEL) * math.sqrt(n / (n - 1))
    epochs = sweep.half_maximum(at, means + widened * (damages[drawn].mean(axis=1) - means))
    epochs = epochs[~np.isnan(epochs)]
    low, high = np.quantile(epochs, [LEVEL, 1 - LEVEL], method="inverted_cdf")
    return min(float(low), float(at[-1])), float(high) if math.isfinite(high) else None
