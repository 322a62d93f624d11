"""Langevin dynamics over all weights, readout included: how the paper samples."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from critlab._core.errors import Diverged
from critlab.theory.kernels.model import Problem
from critlab.theory.kernels.network import Network, chain_generators, normal_draws
from critlab.theory.kernels.prior import propagated, tangent_kernel
from critlab.theory.kernels.sampling.hamiltonian import Walk

INTERVAL = 50
BURN_IN = 80
STABLE_SHARE = 0.1


def langevin(
    problem: Problem,
    chains: range,
    samples: int,
    seed: int,
    keep: Callable[[Tensor], None],
    burn_in: int = BURN_IN,
    step_size: float | None = None,
) -> Walk:
    """Walks all chains at once and gives the output kernels of every kept sample to ``keep``.

    ``z <- z - eta grad U + sqrt(2 eta) xi`` with ``U = |z|^2 / 2 + |Y - f|^2 / (2 kappa)``, z every weight and bias in
    units of its prior deviation; 50 steps from one kept sample to the next, full batch, no Metropolis test.

    Args:
        problem: prior, data and width.
        chains: numbers of the chains; each starts at a draw from the prior.
        samples: how many to keep of each.
        seed: keys all draws.
        keep: called ``samples`` times with ``(chains, P, P)``.
        burn_in: kept samples' worth of steps before that.
        step_size: eta; None is :func:`stable_step`.

    Raises:
        Diverged: the step is too large.

    Error: of order eta, in addition to Monte Carlo. Cost: ``50 (burn_in + samples)`` passes forward and backward.
    Source: Fischer et al. 2024 (arXiv 2405.10761); the step size is ours.
    """
    network = Network.of(problem)
    outputs = problem.targets.shape[1]
    size = network.size + (problem.width + 1) * outputs
    eta = stable_step(problem) if step_size is None else step_size
    generators = chain_generators(seed, chains)
    state = normal_draws(generators, size)
    for sample in range(burn_in + samples):
        for noise in math.sqrt(2 * eta) * normal_draws(generators, INTERVAL, size).transpose(0, 1):
            state = state + noise - eta * _gradient(network, state)
        if not state.isfinite().all():
            raise Diverged(
                f"langevin: the weights are no longer finite with step {eta:.1e}; give more noise or use hmc"
            )
        if sample >= burn_in:
            keep(network.output_kernel(network.forward(state)[-1].value))
    return Walk(None, eta, burn_in)


def stable_step(problem: Problem) -> float:
    """A tenth of the largest stable step, ``2 / (1 + lambda / kappa)``, lambda that of the infinite-width network."""
    kernels = propagated(problem.kernel, problem.prior)
    largest = float(torch.linalg.eigvalsh(tangent_kernel(kernels, problem.prior))[-1])
    return STABLE_SHARE * 2 / (1 + largest / problem.noise)


def _gradient(network: Network, state: Tensor) -> Tensor:
    """The gradient of U by z, ``(chains, size)``."""
    problem, chains = network.problem, len(state)
    outputs = problem.targets.shape[1]
    at = network.size + problem.width * outputs
    readout = state[:, network.size : at].view(chains, problem.width, outputs)
    layers = network.forward(state)
    value = layers[-1].value
    strength, offset = math.sqrt(problem.prior.scales[-1] / problem.width), math.sqrt(problem.prior.bias)
    found = strength * value.mT @ readout + offset * state[:, None, at:]
    misfit = (found - problem.targets) / problem.noise
    gradient = state.clone()
    gradient[:, network.size : at] += (strength * value @ misfit).flatten(1)
    gradient[:, at:] += offset * misfit.sum(1)
    network.backward(state, layers, strength * readout @ misfit.mT, gradient)
    return gradient
