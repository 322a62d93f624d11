"""The action of which the adapted kernels are a stationary point, to be differentiated automatically."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from critlab.theory.kernels.averages.activations import Activation
from critlab.theory.kernels.averages.gaussian import Tilt, features, fixed_draws
from critlab.theory.kernels.model import Problem, whole
from critlab.theory.kernels.prior import symmetric_root


def action(
    kernels: Sequence[Tensor],
    conjugates: Sequence[Tensor],
    problem: Problem,
    *,
    draws: int = 8000,
    seed: int = 0,
    batches: int = 64,
) -> Tensor:
    """``S = ln N(Y | 0, A) + sum_l [ -tr(T^l C^l) + N ln < exp((g_l/N) phi^T T^l phi) > + g_b sum_ab T^l_ab ]``.

    < > is over ``h ~ N(0, C^{l-1})``, by the same batches of fixed draws as in
    :func:`~critlab.theory.kernels.adapted_kernels`, with the infinite-width part of the mean exponent exact. So its
    gradient by T vanishes at a tilted solution to the solver's tolerance, and its gradient by the kernels of layers
    1 .. L-1 within Monte Carlo error.

    Args:
        kernels: C^1 .. C^L, float64 ``(P, P)``; may require gradients.
        conjugates: T^1 .. T^L, of the same shape.
        problem: data, prior, width and noise, as of :func:`~critlab.theory.kernels.model.checked_problem`.
        draws: M, of one batch, at least 1.
        seed: keys the draws.
        batches: the mean is over this many batches, at least 1.

    Returns:
        S, of shape ``()``.

    Raises:
        StudyError: a number is out of range.

    Source: our own derivation, as the equations of :func:`~critlab.theory.kernels.adapted_kernels`.
    """
    prior, width, points = problem.prior, problem.width, len(problem.targets)
    draws, batches = whole("draws", draws, 1), whole("batches", batches, 1)
    noisy = torch.distributions.MultivariateNormal(
        torch.zeros(points, dtype=torch.float64), kernels[-1] + problem.noise * torch.eye(points, dtype=torch.float64)
    )
    total: Tensor = noisy.log_prob(problem.targets.T).sum()
    below = [problem.kernel, *kernels]
    for layer, (kernel, conjugate) in enumerate(zip(kernels, conjugates, strict=True), 1):
        tilt = Tilt(conjugate, prior.scales[layer], width, "tilted")
        total = total - (conjugate * kernel).sum() + prior.bias * conjugate.sum()
        for batch in range(batches):
            normal = fixed_draws(draws, points, seed, batch)
            total = total + width / batches * _log_mean(below[layer - 1], tilt, normal, prior.activation)
    return total


def _log_mean(kernel: Tensor, tilt: Tilt, normal: Tensor, activation: Activation) -> Tensor:
    """``ln < exp((g / N) phi^T T phi) >`` over ``N(0, kernel)``."""
    rate = tilt.scale / tilt.width
    if activation.linear:
        root = symmetric_root(kernel)
        return -torch.logdet(torch.eye(len(kernel), dtype=kernel.dtype) - 2 * rate * root @ tilt.conjugate @ root) / 2
    value = features(kernel, normal, activation).value
    exponent = rate * ((value @ tilt.conjugate) * value).sum(1)
    exact = rate * (tilt.conjugate * activation.moments(kernel).product).sum()
    return torch.logsumexp(exponent, 0) - math.log(len(exponent)) + exact - exponent.mean()
