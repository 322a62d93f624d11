"""The posterior of a network's output kernel by sampling: what the theory is held against."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from critlab._core.threads import one_thread
from critlab.theory.kernels.adaptation import NotConverged
from critlab.theory.kernels.averages.activations import Activation, Function
from critlab.theory.kernels.model import Problem, checked_prior, checked_problem, one_of, whole
from critlab.theory.kernels.overlap import alignments
from critlab.theory.kernels.sampling.diagnostics import effective_samples, split_rhat
from critlab.theory.kernels.sampling.hamiltonian import Walk, hamiltonian
from critlab.theory.kernels.sampling.importance import NETWORKS, prior_draws
from critlab.theory.kernels.sampling.langevin import langevin

METHODS = ("hmc", "langevin", "importance")
LARGEST_RHAT = 1.05
FEWEST_EFFECTIVE = 200.0
_WALKS: dict[str, Callable[[Problem, range, int, int, Callable[[Tensor], None]], Walk]] = {
    "hmc": hamiltonian,
    "langevin": langevin,
}


@dataclass(frozen=True)
class KernelSamples:
    """The output kernel under the posterior.

    Args:
        mean: the posterior mean of C^L over samples and chains, ``(P, P)``.
        alignment: the centred alignment of ``mean`` with ``Y Y^T``: what the theory predicts. The mean of single
            samples' alignments is lower. Not a number where the targets are all equal.
        alignment_error: its standard error, by jackknife over chains.
        overlap: ``Y^T mean Y / P^2``.
        overlap_error: its standard error, in the same way.
        rhat: the largest split R-hat of single samples' overlap, alignment and mean diagonal.
        effective_samples: the smallest effective sample size of the three; of importance sampling ``1 / sum w^2``.
        converged: R-hat at most 1.05 and an effective size of at least 200.
        method: "hmc", "langevin" or "importance".
        chains: how many chains, or independent groups of networks.
        samples: how many kept in each.
        acceptance: mean acceptance after burn-in, None where there is no test.
        step_size: mean step of the sampler, None of importance sampling.
    """

    mean: Tensor
    alignment: float
    alignment_error: float
    overlap: float
    overlap_error: float
    rhat: float
    effective_samples: float
    converged: bool
    method: str
    chains: int
    samples: int
    acceptance: float | None
    step_size: float | None


@dataclass(frozen=True)
class Sampler:
    """How :func:`sample_kernels` draws networks.

    Args:
        method: "hmc" (hidden layers, readout integrated out), "langevin" (all weights, no Metropolis test) or
            "importance" (25 networks from the prior for every sample: for few points only).
        chains: computed as one batch, at least 2.
        samples: kept of each chain, at least 4; burn-in comes on top.
        seed: keys all draws; a chain is the same alone and in a batch.
    """

    method: str = "hmc"
    chains: int = 8
    samples: int = 400
    seed: int = 0


@one_thread()
def sample_kernels(
    inputs: Any,
    targets: Any,
    *,
    depth: int,
    width: int,
    weight_scale: float = 1.0,
    input_scale: float | None = None,
    readout_scale: float | None = None,
    bias_scale: float = 0.5,
    noise: float = 0.1,
    activation: str | Function | Activation = "erf",
    sampler: Sampler | None = None,
    **options: Any,
) -> KernelSamples:
    """The posterior mean of the output kernel of a network of finite width, with its alignment and errors.

    Args:
        inputs, targets, depth .. activation: as in :func:`critlab.theory.kernels.adapted_kernels`.
        sampler: how networks are drawn; None is ``Sampler()``.
        options: fields of :class:`Sampler` by name, which replace those of ``sampler``.

    Returns:
        The samples; where they are not converged, with a :class:`~critlab.kernels.NotConverged` warning as well.

    Raises:
        StudyError: data or a number out of range.
        TypeError: an option that :class:`Sampler` does not have.
        Diverged: Langevin's weights are no longer finite.

    Error: stated in the answer; Langevin's step adds a bias of its order.
    Cost: "hmc" 8, "langevin" 50 passes forward and backward for every sample; memory ``10 chains`` networks.
    Source: Langevin: Fischer et al. 2024 (arXiv 2405.10761); the others are ours.
    """
    how = replace(sampler or Sampler(), **options)
    prior = checked_prior(depth, weight_scale, input_scale, readout_scale, bias_scale, activation)
    problem = checked_problem(inputs, targets, prior, width, noise)
    chosen = one_of("method", how.method, METHODS)
    several, kept = whole("chains", how.chains, 2), whole("samples", how.samples, 4)
    start = whole("seed", how.seed, 0)
    found = _weighed(problem, several, kept, start) if chosen == "importance" else None
    found = found or _walked(problem, chosen, several, kept, start)
    if not found.converged:
        warnings.warn(
            f"sample_kernels: not converged with {chosen}: R-hat {found.rhat:.3f} (at most {LARGEST_RHAT}), "
            f"{found.effective_samples:.0f} effective samples (at least {FEWEST_EFFECTIVE:.0f}); "
            + ("use method='hmc'" if chosen == "importance" else "give more samples"),
            NotConverged,
            stacklevel=3,
        )
    return found


def _walked(problem: Problem, method: str, chains: int, samples: int, seed: int) -> KernelSamples:
    """By a sampler that walks: every sample counts equally."""
    points = len(problem.targets)
    gram = problem.targets @ problem.targets.T
    sums = torch.zeros(chains, points, points, dtype=torch.float64)
    traces: list[Tensor] = []

    def keep(kernels: Tensor) -> None:
        sums.add_(kernels)
        traces.append(_quantities(kernels, gram))

    walk = _WALKS[method](problem, range(chains), samples, seed, keep)
    series = torch.stack(traces).permute(2, 1, 0)
    rhat = max(split_rhat(one) for one in series)
    effective = min(effective_samples(one) for one in series)
    shares = torch.full((chains,), float(samples), dtype=torch.float64)
    return _answer(sums, shares, gram, rhat, effective, method, samples, walk)


def _weighed(problem: Problem, chains: int, samples: int, seed: int) -> KernelSamples:
    """By weights on prior networks; R-hat is that of the weighted quantities, which a few large weights spoil."""
    points = len(problem.targets)
    gram = problem.targets @ problem.targets.T
    sums = torch.zeros(chains, points, points, dtype=torch.float64)
    log_weights, quantities = [], []
    top = -math.inf
    for group in range(chains):
        parts = []
        for drawn in prior_draws(problem, samples * NETWORKS, seed, group):
            new_top = max(top, float(drawn.log_weights.max()))
            sums *= math.exp(top - new_top) if math.isfinite(top) else 0.0
            top = new_top
            sums[group] += torch.einsum("s,sab->ab", (drawn.log_weights - top).exp(), drawn.kernels)
            parts.append(torch.cat([drawn.log_weights[:, None], _quantities(drawn.kernels, gram)], 1))
        joined = torch.cat(parts)
        log_weights.append(joined[:, 0])
        quantities.append(joined[:, 1:])
    weights = (torch.stack(log_weights) - top).exp()
    series = (weights[..., None] * torch.stack(quantities)).permute(2, 0, 1)
    rhat = max(split_rhat(one) for one in series)
    effective = float(weights.sum().square() / weights.square().sum())
    return _answer(sums, weights.sum(1), gram, rhat, effective, "importance", samples, None)


def _quantities(kernels: Tensor, gram: Tensor) -> Tensor:
    """Overlap, alignment and mean diagonal of each of ``(n, P, P)``: ``(n, 3)``."""
    overlaps = (kernels * gram).sum((-1, -2)) / len(gram) ** 2
    diagonals = kernels.diagonal(dim1=-1, dim2=-2).mean(-1)
    # constant targets have no alignment; a constant then stands for it, so that the others stay informative
    return torch.stack([overlaps, alignments(kernels, gram).nan_to_num(0.0), diagonals], -1)


def _answer(
    sums: Tensor,
    shares: Tensor,
    gram: Tensor,
    rhat: float,
    effective: float,
    method: str,
    samples: int,
    walk: Walk | None,
) -> KernelSamples:
    """Mean and errors from each chain's weighted sum ``(chains, P, P)`` and sum of weights ``(chains,)``."""
    mean = sums.sum(0) / shares.sum()
    without = (sums.sum(0) - sums) / (shares.sum() - shares)[:, None, None]
    several = len(sums)
    overlap = (torch.cat([mean[None], without]) * gram).sum((1, 2)) / len(gram) ** 2
    aligned = alignments(torch.cat([mean[None], without]), gram)
    spread = [math.sqrt((several - 1) * float(one[1:].var(correction=0))) for one in (aligned, overlap)]
    converged = rhat <= LARGEST_RHAT and effective >= FEWEST_EFFECTIVE
    return KernelSamples(
        mean=mean,
        alignment=float(aligned[0]),
        alignment_error=spread[0],
        overlap=float(overlap[0]),
        overlap_error=spread[1],
        rhat=rhat,
        effective_samples=effective,
        converged=converged,
        method=method,
        chains=several,
        samples=samples,
        acceptance=walk.acceptance if walk else None,
        step_size=walk.step_size if walk else None,
    )
