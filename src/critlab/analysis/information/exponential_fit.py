"""An exponential through points, and how well it holds: sensitivity against the trace of the Fisher information."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from critlab._core.errors import StudyError


@dataclass(frozen=True)
class ExponentialFit:
    """``y = amplitude * exp(rate * x)``.

    Args:
        amplitude: ``y`` where ``x`` is 0.
        rate: per unit of ``x``; positive where ``y`` rises with ``x``.
        r_squared: share of the variance of ``log y`` that the fit explains, at most 1; 0 where all ``y`` are equal.
        rank_correlation: Spearman's, from -1 to 1; 0 where either side is constant.
        n: points.
    """

    amplitude: float
    rate: float
    r_squared: float
    rank_correlation: float
    n: int


def exponential_fit(x: Sequence[float], y: Sequence[float]) -> ExponentialFit:
    """Least squares of ``log y`` on ``x``.

    Args:
        x: such as the sensitivity at each onset; finite, any sign.
        y: such as the trace there; finite and positive.

    Raises:
        StudyError: fewer than three points, lengths that differ, ``x`` without spread, or a ``y`` that is not positive.

    Source: Achille, Rovere and Soatto 2019, figure 4 (the exponential form, through a secondary source); fit in
    logarithms: ours, so that the largest traces do not decide alone.
    """
    xs, ys = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if xs.shape != ys.shape or len(xs) < 3:
        raise StudyError(f"exponential_fit: received {len(xs)} and {len(ys)} values; must be as many, at least 3")
    if not (np.isfinite(xs).all() and np.isfinite(ys).all() and (ys > 0).all()):
        raise StudyError("exponential_fit: received values that are not finite, or y that is not positive")
    if np.ptp(xs) == 0:
        raise StudyError("exponential_fit: received the same x everywhere; must differ")
    logs = np.log(ys)
    rate, offset = np.polyfit(xs, logs, 1)
    spread = float(((logs - logs.mean()) ** 2).sum())
    left = float(((logs - offset - rate * xs) ** 2).sum())
    quality = 1 - left / spread if spread > 0 else 0.0
    return ExponentialFit(float(np.exp(offset)), float(rate), quality, rank_correlation(xs, ys), len(xs))


def rank_correlation(x: Sequence[float] | NDArray[np.float64], y: Sequence[float] | NDArray[np.float64]) -> float:
    """Spearman's rank correlation, ties at their mean rank; 0 where either side is constant."""
    first, second = _ranks(np.asarray(x)), _ranks(np.asarray(y))
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray([(values < value).sum() + ((values == value).sum() + 1) / 2 for value in values])
