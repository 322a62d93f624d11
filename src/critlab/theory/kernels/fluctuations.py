"""How much the kernels of finite networks fluctuate under the prior: sampled, and at first order in 1/N."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from critlab._core.threads import one_thread
from critlab.theory.kernels.averages.activations import Activation, Function
from critlab.theory.kernels.averages.gaussian import features, fixed_draws
from critlab.theory.kernels.model import Problem, checked_prior, checked_problem, whole
from critlab.theory.kernels.prior import propagated, pulled_back
from critlab.theory.kernels.sampling.importance import layer_draws


@dataclass(frozen=True)
class Fluctuations:
    """The spread of the output kernel C^L over networks from the prior.

    Args:
        mean: ``<C^L>``, sampled, ``(P, P)``; differs from infinite width at order 1/N for two layers or more.
        scaled_variance: N times the variance of C_aa, mean over points.
        relative_diagonal: standard deviation over mean of C_aa, mean over points.
        relative_frobenius: ``sqrt(<|C - <C>|_F^2>) / |<C>|_F``.
        scaled_overlap: ``sqrt(N)`` times the standard deviation of ``Y^T C Y / P^2``.
        scaled_variance_first_order: ``scaled_variance`` at first order in 1/N.
        scaled_overlap_first_order: ``scaled_overlap`` at first order in 1/N.
        networks: how many were sampled; the relative error of a standard deviation is about ``1 / sqrt(2 networks)``.
    """

    mean: Tensor
    scaled_variance: float
    relative_diagonal: float
    relative_frobenius: float
    scaled_overlap: float
    scaled_variance_first_order: float
    scaled_overlap_first_order: float
    networks: int


@one_thread()
def kernel_fluctuations(
    inputs: Any,
    targets: Any,
    *,
    depth: int,
    width: int,
    weight_scale: float = 1.0,
    input_scale: float | None = None,
    readout_scale: float | None = None,
    bias_scale: float = 0.5,
    activation: str | Function | Activation = "erf",
    networks: int = 400,
    draws: int = 8000,
    seed: int = 0,
) -> Fluctuations:
    """The prior's kernel fluctuations, which set how strongly kernels can adapt.

    Args:
        inputs, targets, depth .. activation: as in :func:`critlab.theory.kernels.adapted_kernels`.
        networks: how many to sample, at least 2; 200 or more for errors of 5 %.
        draws: of the first-order averages.
        seed: keys both.

    Raises:
        StudyError: data or a number out of range.

    Cost: of order ``networks L N P^2``, and ``draws L P^3`` at first order; memory ``draws P^2`` numbers.
    Source: ours; for the first order see :func:`first_order_variances`.
    """
    prior = checked_prior(depth, weight_scale, input_scale, readout_scale, bias_scale, activation)
    problem = checked_problem(inputs, targets, prior, width, 1.0)
    count, points = whole("networks", networks, 2), len(problem.targets)
    gram = problem.targets @ problem.targets.T / points**2
    parts = [layers[-1] for layers in layer_draws(problem, count, whole("seed", seed, 0), group=-1)]
    kernels = torch.cat(parts)
    mean = kernels.mean(0)
    diagonal = kernels.diagonal(dim1=1, dim2=2)
    variance = diagonal.var(0)
    overlap = (kernels * gram).sum((1, 2))
    single = torch.diag_embed(torch.eye(points, dtype=torch.float64))
    first = first_order_variances(problem, torch.cat([single, gram[None]]), whole("draws", draws, 2 * points), seed)
    frobenius = (kernels - mean).square().sum((1, 2)).mean().sqrt() / mean.norm()
    return Fluctuations(
        mean=mean,
        scaled_variance=width * float(variance.mean()),
        relative_diagonal=float((variance.sqrt() / diagonal.mean(0)).mean()),
        relative_frobenius=float(frobenius),
        scaled_overlap=float((width * overlap.var()).sqrt()),
        scaled_variance_first_order=width * float(first[:-1].mean()),
        scaled_overlap_first_order=float((width * first[-1]).sqrt()),
        networks=count,
    )


def first_order_variances(problem: Problem, probes: Tensor, draws: int, seed: int) -> Tensor:
    """The variance of ``tr(M C^L)`` over the prior at first order in 1/N, for every probe M.

    ``sum_l (g_l^2 / N) Var_{N(0, C^{l-1})}(phi^T M^l phi)`` at infinite width, with ``M^L = M`` and M^{l-1} the
    gradient of ``tr(M^l G_l(C))`` by C: what a layer's N units scatter, carried on to the output.

    Args:
        problem: prior, data and width.
        probes: M, ``(k, P, P)``, symmetric.
        draws: of the Gaussian averages.
        seed: keys them.

    Returns:
        ``(k,)``. Error: about ``1.5 / sqrt(draws)``, relative. Source: ours, by linear response.
    """
    prior = problem.prior
    kernels = propagated(problem.kernel, prior)
    normal = fixed_draws(draws, len(problem.targets), seed)
    total = torch.zeros(len(probes), dtype=torch.float64)
    for layer in range(prior.depth, 0, -1):
        below, scale = kernels[layer - 1], prior.scales[layer]
        value = features(below, normal, prior.activation).value
        products = (value[:, :, None] * value[:, None, :]).flatten(1)
        total += scale**2 / problem.width * (products @ probes.flatten(1).T).var(0)
        probes = pulled_back(probes, below, scale, prior.activation)
    return total
