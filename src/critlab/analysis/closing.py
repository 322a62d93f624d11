"""The closing epoch: until when a deficit may be removed, with a bootstrap interval over seeds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from critlab.analysis.curve import Curve
from critlab.analysis.inference import LEVEL, MINIMUM_SEEDS, Floats, t_quantile

RESAMPLES = 2000
STEEP = 0.5
"""A sweep ends too early where its last stretch rises at this share of the mean slope before closing."""


@dataclass(frozen=True)
class Closing:
    """When the critical period closes.

    Args:
        epoch: epochs trained; between the sweep's points by linear interpolation. In a window curve that
            never falls it is the last onset.
        low: lower limit of the 95 % bootstrap interval; None where fewer than three seeds have every point.
        high: upper limit; None likewise, or where the sweep does not bound it.
        open_ended: the sweep may not contain the closing; ``sentence`` says why.
        sentence: the same in words.
    """

    epoch: float
    low: float | None
    high: float | None
    open_ended: bool
    sentence: str


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
    epoch = float(half_maximum(at, means, curve.kind))
    low, high = _interval(at, damages, complete, curve.kind) if enough else (None, None)
    reason = _open(at, means, epoch, curve.kind)
    return _closing(curve, min(epoch, float(at[-1])), low, high, reason)


def half_maximum(at: Floats, means: Floats, kind: Literal["removal", "window"]) -> Floats:
    """Where curves ``means`` ``(..., points)`` over ``at`` ``(points,)`` cross half of their largest value.

    Returns:
        Epochs ``(...)``: upwards for removal curves, downwards after the peak for window curves; infinite
        where a window curve does not fall so far, NaN where nothing is positive.
    """
    half = means.max(axis=-1, keepdims=True) / 2
    if kind == "removal":
        crossed = means >= half
    else:
        crossed = (means < half) & (np.arange(at.size) > means.argmax(axis=-1)[..., None])
    after = crossed.argmax(axis=-1)[..., None]
    before = np.maximum(after - 1, 0)
    start, stop = (np.take_along_axis(means, index, -1) for index in (before, after))
    step = np.where(stop == start, 1.0, stop - start)
    epoch = at[before] + (at[after] - at[before]) * (half - start) / step
    epoch = np.where(crossed.any(axis=-1, keepdims=True), epoch, math.inf)
    return np.where(half > 0, epoch, math.nan)[..., 0]


def _interval(
    at: Floats, damages: Floats, seeds: list[int], kind: Literal["removal", "window"]
) -> tuple[float | None, float | None]:
    from scipy.special import ndtri

    n = len(seeds)
    random = np.random.default_rng([RESAMPLES, *seeds])
    drawn = random.integers(n, size=(RESAMPLES, n))
    means = damages.mean(axis=0)
    widened = float(t_quantile(1 - LEVEL, n - 1)) / ndtri(1 - LEVEL) * math.sqrt(n / (n - 1))
    epochs = half_maximum(at, means + widened * (damages[drawn].mean(axis=1) - means), kind)
    epochs = epochs[~np.isnan(epochs)]
    low, high = np.quantile(epochs, [LEVEL, 1 - LEVEL], method="inverted_cdf")
    return min(float(low), float(at[-1])), float(high) if math.isfinite(high) else None


def _open(at: Floats, means: Floats, epoch: float, kind: Literal["removal", "window"]) -> str:
    """Why the sweep may not contain the closing; empty where it does."""
    if kind == "window":
        stays = f"the damage stays above half of its peak up to the last onset, {at[-1]:.0f}"
        return "" if math.isfinite(epoch) else stays
    if at.size < 3 or epoch > at[-2]:
        return "half of the largest damage is reached only between the last two removal epochs"
    slope = (means[-1] - means[-2]) / (at[-1] - at[-2])
    if slope >= STEEP * means.max() / 2 / epoch:
        return f"the damage still rises at the last removal epoch, {at[-1]:.0f}"
    return ""


def _closing(curve: Curve, epoch: float, low: float | None, high: float | None, reason: str) -> Closing:
    limits = ", no interval"
    if low is not None:
        limits = f" [{low:.1f}, {'not bounded' if high is None else f'{high:.1f}'}]"
    if curve.kind == "removal":
        meaning = f"removed by then, {curve.arm} leaves at most half of its largest damage"
        advice = "add later removal epochs"
    else:
        meaning = "a window that begins later costs less than half of the worst"
        advice = "add later onsets"
    text = f"The period closes about epoch {epoch:.1f}{limits}: {meaning}"
    if reason:
        text += f". The sweep may not contain the closing, since {reason}; {advice}"
    return Closing(epoch, low, high, bool(reason), f"{text}.")
