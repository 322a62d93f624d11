"""Have chains of samples settled, and how many independent ones are they worth: split R-hat and effective size."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from critlab._core.errors import StudyError
from critlab.theory.kernels.model import matrix


def split_rhat(chains: Any) -> float:
    """The split potential scale reduction, near 1 where all halves of all chains agree.

    Every chain is cut into halves; with n samples in each, W the mean of the halves' variances and B/n the variance
    of their means, ``R = sqrt(((n - 1) / n W + B / n) / W)``. Without rank normalisation.

    Args:
        chains: ``(chains, samples)``, at least four samples each; an odd one out at the end is left out.

    Returns:
        R-hat, at least ``sqrt((n - 1) / n)``; 1 where nothing varies at all.

    Raises:
        StudyError: too few samples.

    Source: Gelman et al. 2013, section 11.4; as ``arviz.rhat(..., method="split")``.
    """
    halves = _halves(_checked(chains))
    count = halves.shape[1]
    within = halves.var(1).mean()
    if within == 0:
        return 1.0 if float(halves.mean(1).var()) == 0 else math.inf
    return float(((count - 1) / count + halves.mean(1).var() / within).sqrt())


def effective_samples(chains: Any) -> float:
    """How many independent samples give a mean as exact as these correlated ones.

    ``m n / tau``, with ``tau = -1 + 2 sum_t (rho_2t + rho_2t+1)`` over split chains: the pairs' sum is cut where it
    turns negative and made to fall (Geyer's initial monotone sequence). rho joins all chains, so that chains which
    disagree count little.

    Args:
        chains: ``(chains, samples)``, at least four samples each.

    Returns:
        The effective number, at most ``m n log10(m n)``, as for antithetic chains.

    Raises:
        StudyError: too few samples.

    Source: Vehtari et al. 2021, equations 10 to 11; as ``arviz.ess(..., method="mean")``.
    """
    halves = _halves(_checked(chains))
    total, count = halves.numel(), halves.shape[1]
    autocovariance = _autocovariance(halves)
    within = autocovariance[:, 0].mean() * count / (count - 1)
    if within == 0:
        return float(total)
    mixed = within * (count - 1) / count + halves.mean(1).var()
    correlation = 1 - (within - autocovariance.mean(0) * count / (count - 1)) / mixed
    correlation[0] = 1
    return min(total / _correlation_time(correlation), total * math.log10(total))


def _correlation_time(correlation: Tensor) -> float:
    """tau of the autocorrelation ``(n,)``, at least ``1 / log10`` of what it may be; see :func:`effective_samples`."""
    values = correlation.tolist()
    pairs: list[float] = []
    tail = 0.0
    for lag in range(0, len(values) - 3, 2):
        pair = values[lag] + values[lag + 1]
        if lag and pair < 0:
            # the even one of the first pair that is cut still says something
            tail = max(values[lag], 0.0)
            break
        pairs.append(min(pair, pairs[-1]) if pairs else pair)
    return max(-1 + 2 * sum(pairs) + tail, 1e-3)


def _autocovariance(halves: Tensor) -> Tensor:
    """The biased autocovariance by lag, ``(m, n)``, through the Fourier transform."""
    count = halves.shape[1]
    centred = halves - halves.mean(1, keepdim=True)
    spectrum = torch.fft.rfft(centred, n=2 * count)
    found: Tensor = torch.fft.irfft(spectrum.abs().square(), n=2 * count)[:, :count] / count
    return found


def _checked(chains: Any) -> Tensor:
    found = matrix("chains", chains)
    if found.ndim != 2 or found.shape[1] < 4:
        raise StudyError(f"chains: received shape {tuple(found.shape)}; must be (chains, samples), 4 samples or more")
    return found


def _halves(chains: Tensor) -> Tensor:
    half = chains.shape[1] // 2
    return torch.cat([chains[:, :half], chains[:, half : 2 * half]])
