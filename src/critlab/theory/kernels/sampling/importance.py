"""Networks drawn from the prior, layer by layer, and weighted by the data: exact while enough of them count."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from critlab._core.random_streams import generator
from critlab.theory.kernels.model import Problem
from critlab.theory.kernels.prior import symmetric_root

NETWORKS = 25
"""Prior networks for each sample asked for: they cost far less than a sample of a chain."""
_NUMBERS = 2_000_000
"""Pre-activations held at once."""


class Weighed(NamedTuple):
    """Some prior networks.

    Args:
        kernels: C^L, ``(networks, P, P)``.
        log_weights: ``ln N(Y | 0, C^L + kappa)``, ``(networks,)``.
    """

    kernels: Tensor
    log_weights: Tensor


def prior_draws(problem: Problem, networks: int, seed: int, group: int = 0) -> Iterator[Weighed]:
    """Output kernels of networks from the prior, some at a time, with the data's log-likelihood.

    Given C^{l-1}, a layer's N pre-activations are independent draws from ``N(0, C^{l-1})``: no weights are drawn.

    Args:
        problem: prior, data and width.
        networks: how many in all.
        seed: keys the draws.
        group: number of an independent set of draws.

    Cost: of order L N P^2 for each network. Source: ours.
    """
    for layers in layer_draws(problem, networks, seed, group):
        yield Weighed(layers[-1], log_likelihood(layers[-1], problem))


def layer_draws(problem: Problem, networks: int, seed: int, group: int = 0) -> Iterator[list[Tensor]]:
    """As :func:`prior_draws`, the kernels C^1 .. C^L, ``(networks, P, P)`` each."""
    draws = generator(seed, "measure", 2, group)
    points, prior = len(problem.targets), problem.prior
    most = max(1, _NUMBERS // (problem.width * points))
    for start in range(0, networks, most):
        count = min(most, networks - start)
        root = symmetric_root(problem.kernel)
        layers: list[Tensor] = []
        for scale in prior.scales[1:]:
            normal = torch.randn(count, problem.width, points, generator=draws, dtype=torch.float64)
            value = prior.activation.value(normal @ root)
            layers.append(scale / problem.width * value.mT @ value + prior.bias)
            root = symmetric_root(layers[-1]) if len(layers) < prior.depth else root
        yield layers


def log_likelihood(kernels: Tensor, problem: Problem) -> Tensor:
    """``ln N(Y | 0, C + kappa)`` up to a constant, summed over outputs, for C of ``(networks, P, P)``."""
    points, outputs = problem.targets.shape
    factor = torch.linalg.cholesky(kernels + problem.noise * torch.eye(points, dtype=kernels.dtype))
    solved = torch.linalg.solve_triangular(factor, problem.targets.expand(len(kernels), -1, -1), upper=False)
    half_log_det = factor.diagonal(dim1=1, dim2=2).log().sum(1)
    found: Tensor = -solved.square().sum((1, 2)) / 2 - outputs * half_log_det
    return found
