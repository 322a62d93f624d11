"""Hamiltonian Monte Carlo over the hidden layers, the readout integrated out: mixes best, the default for figures."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from critlab.theory.kernels.model import Problem
from critlab.theory.kernels.network import Network, chain_generators, normal_draws

LEAPS = 8
BURN_IN = 150
ACCEPTED = 0.8


class Place(NamedTuple):
    """Where the chains are.

    Args:
        state: z, ``(chains, size)``.
        energy: U, ``(chains,)``.
        gradient: of U by z, ``(chains, size)``.
        kernel: C^L, ``(chains, P, P)``.
    """

    state: Tensor
    energy: Tensor
    gradient: Tensor
    kernel: Tensor


class Walk(NamedTuple):
    """How a sampler went: mean acceptance after burn-in (None without a test), mean step size and burn-in."""

    acceptance: float | None
    step_size: float
    burn_in: int


def hamiltonian(
    problem: Problem, chains: range, samples: int, seed: int, keep: Callable[[Tensor], None], burn_in: int = BURN_IN
) -> Walk:
    """Walks all chains at once and gives the output kernels of every kept sample to ``keep``.

    ``U = |z|^2 / 2 + K/2 ln det A + tr(Y^T A^-1 Y) / 2``, ``A = C^L + kappa``, K the number of outputs; 8 leapfrog
    steps, their size tuned for each chain to 80 % acceptance in burn-in, then fixed up to a random factor 0.8 .. 1.2.

    Args:
        problem: prior, data and width.
        chains: numbers of the chains; each starts at a draw from the prior.
        samples: how many to keep of each.
        seed: keys all draws.
        keep: called ``samples`` times with ``(chains, P, P)``.
        burn_in: steps before that.

    Error: none but Monte Carlo: every step is accepted or not by Metropolis.
    Cost: ``8 (burn_in + samples)`` passes forward and backward of all chains.
    Source: Duane et al. 1987; integrating the readout out: ours.
    """
    network = Network.of(problem)
    generators = chain_generators(seed, chains)
    place = _place(network, normal_draws(generators, network.size))
    log_step = torch.full((len(chains),), math.log(network.size**-0.25), dtype=torch.float64)
    settled, accepted = torch.zeros_like(log_step), torch.zeros_like(log_step)
    for step in range(burn_in + samples):
        place, probability = _leap(network, place, log_step.exp(), generators)
        if step < burn_in:
            log_step = log_step + (probability - ACCEPTED) / math.sqrt(1 + step / 4)
            if step >= burn_in // 2:
                settled = settled + log_step / (burn_in - burn_in // 2)
            if step == burn_in - 1:
                log_step = settled
            continue
        accepted += probability / samples
        keep(place.kernel)
    return Walk(float(accepted.mean()), float(log_step.exp().mean()), burn_in)


def _leap(network: Network, place: Place, step: Tensor, generators: list[torch.Generator]) -> tuple[Place, Tensor]:
    """One trajectory of every chain and its Metropolis test; also the probability of acceptance, ``(chains,)``."""
    momentum = normal_draws(generators, network.size)
    chance = torch.stack([torch.rand(2, generator=one, dtype=torch.float64) for one in generators])
    size = (step * (0.8 + 0.4 * chance[:, 0]))[:, None]
    before = place.energy + momentum.square().sum(1) / 2
    there = place
    momentum = momentum - size / 2 * place.gradient
    for leap in range(LEAPS):
        there = _place(network, there.state + size * momentum)
        momentum = momentum - (size if leap < LEAPS - 1 else size / 2) * there.gradient
    gain = before - there.energy - momentum.square().sum(1) / 2
    probability = torch.nan_to_num(gain.clamp_max(0).exp(), nan=0.0)
    moved = chance[:, 1] < probability
    chosen = [
        torch.where(moved.view(-1, *[1] * (new.ndim - 1)), new, old) for new, old in zip(there, place, strict=True)
    ]
    return Place(*chosen), probability


def _place(network: Network, state: Tensor) -> Place:
    """Energy, gradient and kernel at ``state``; not a number where the energy cannot be computed."""
    problem = network.problem
    layers = network.forward(state)
    value = layers[-1].value
    kernel = network.output_kernel(value)
    noisy = kernel + problem.noise * torch.eye(kernel.shape[-1], dtype=kernel.dtype)
    factor, failed = torch.linalg.cholesky_ex(noisy)
    inverse = torch.cholesky_inverse(factor)
    solved = inverse @ problem.targets
    outputs = problem.targets.shape[1]
    misfit = (solved * problem.targets).sum((1, 2)) / 2
    energy = state.square().sum(1) / 2 + outputs * factor.diagonal(dim1=1, dim2=2).log().sum(1) + misfit
    conjugate = (solved @ solved.mT - outputs * inverse) / 2
    gradient = state.clone()
    pull = -2 * problem.prior.scales[-1] / problem.width * value @ conjugate
    network.backward(state, layers, pull, gradient)
    return Place(state, energy.masked_fill(failed != 0, math.nan), gradient, kernel)
