"""The samplers of paper 4: against the protocol, each other, gradients by autodiff and independent formulas."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from critlab import kernels
from critlab._core.errors import StudyError
from critlab.theory.kernels.adaptation import NotConverged
from critlab.theory.kernels.model import Problem, checked_prior, checked_problem
from critlab.theory.kernels.network import Network
from critlab.theory.kernels.sampling.hamiltonian import _place, hamiltonian
from critlab.theory.kernels.sampling.langevin import _gradient, langevin, stable_step
from paths import EVIDENCE

sys.path.insert(0, str(EVIDENCE))
from kernel_protocol import RESPONSES, SAMPLED, SampledRow, check_response, check_sampled


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def problem(depth: int, width: int, points: int = 6) -> Problem:
    inputs, targets = kernels.xor_task(points, seed=3)
    return checked_problem(inputs, targets, checked_prior(depth, 1.2, 0.9, 1.5, 0.3, "erf"), width, 0.2)


@pytest.mark.slow
@pytest.mark.parametrize("row", [SAMPLED[1], SAMPLED[6]], ids=["one layer", "two layers"])
def test_hmc_alignments_of_the_protocol(row: SampledRow) -> None:
    """``evidence/kernel_protocol.py`` checks the other rows."""
    check_sampled(row)


@pytest.mark.slow
def test_samplers_agree() -> None:
    inputs, targets = kernels.xor_task(8, seed=3)
    model: dict[str, Any] = {"depth": 1, "width": 40, "noise": 0.2}
    hmc = kernels.sample_kernels(inputs, targets, **model)
    importance = kernels.sample_kernels(inputs, targets, **model, method="importance", samples=200)
    langevin_found = kernels.sample_kernels(inputs, targets, **model, method="langevin", samples=100)
    for one in (importance, langevin_found):
        assert one.effective_samples > 150
        for quantity in ("alignment", "overlap"):
            gap = getattr(one, quantity) - getattr(hmc, quantity)
            error = math.hypot(getattr(one, f"{quantity}_error"), getattr(hmc, f"{quantity}_error"))
            # Langevin's step adds a bias of a few per cent of the adaptation
            assert abs(gap) < 4 * error + 0.01 * getattr(hmc, quantity)


@pytest.mark.slow
def test_theory_is_nearer_the_samples_than_infinite_width_is() -> None:
    for inputs, targets in (kernels.xor_task(12, seed=4), kernels.image_task(20)):
        found = kernels.sample_kernels(inputs, targets, depth=1, width=100, bias_scale=0.3, samples=100)
        gram = torch.outer(targets, targets)
        theory = kernels.adapted_kernels(inputs, targets, depth=1, width=100, bias_scale=0.3, batches=2)
        wide = kernels.alignment(kernels.prior_kernels(inputs, depth=1, bias_scale=0.3)[1], gram)
        gap = abs(kernels.alignment(theory.kernels[1], gram) - found.alignment)
        assert gap < 0.25 * abs(wide - found.alignment) + found.alignment_error


@pytest.mark.parametrize("depth", [1, 3])
def test_gradients_are_those_of_automatic_differentiation(depth: int) -> None:
    posed = problem(depth, 7)
    network = Network.of(posed)
    state = torch.randn(2, network.size, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    free = state.clone().requires_grad_()
    kernel = network.output_kernel(network.forward(free)[-1].value)
    noisy = kernel + 0.2 * torch.eye(6, dtype=torch.float64)
    solved = torch.linalg.solve(noisy, posed.targets.expand(2, -1, -1))
    energy = free.square().sum(1) / 2 + torch.logdet(noisy) / 2 + (posed.targets * solved).sum((1, 2)) / 2
    (expected,) = torch.autograd.grad(energy.sum(), free)
    place = _place(network, state)
    torch.testing.assert_close(place.gradient, expected)
    torch.testing.assert_close(place.energy, energy.detach())

    state = torch.randn(2, network.size + 8, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    free = state.clone().requires_grad_()
    value = network.forward(free)[-1].value
    outputs = math.sqrt(1.5 / 7) * value.mT @ free[:, network.size : -1, None] + math.sqrt(0.3) * free[:, None, -1:]
    misfit = (outputs - posed.targets).square().sum((1, 2)) / (2 * 0.2)
    (expected,) = torch.autograd.grad((free.square().sum(1) / 2 + misfit).sum(), free)
    torch.testing.assert_close(_gradient(network, state), expected)


@pytest.mark.parametrize("walk", [hamiltonian, langevin])
def test_a_batch_of_chains_equals_single_chains(walk: object) -> None:
    posed = problem(2, 10)
    kept: dict[tuple[int, int], list[Tensor]] = {}
    for chains in (range(3), range(1), range(2, 3)):
        found = kept.setdefault((chains.start, chains.stop), [])
        walk(posed, chains, 3, 5, found.append, 4)  # type: ignore[operator]
    together = torch.stack(kept[0, 3])
    torch.testing.assert_close(together[:, :1], torch.stack(kept[0, 1]), rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(together[:, 2:], torch.stack(kept[2, 3]), rtol=1e-6, atol=1e-9)
    assert not torch.allclose(together[:, :1], together[:, 2:])


@pytest.mark.slow
def test_importance_is_exact_with_one_hidden_layer_of_linear_units() -> None:
    inputs, targets = kernels.xor_task(4, 3, spread=1.0, seed=1)
    found = kernels.sample_kernels(
        inputs, targets, depth=1, width=20, bias_scale=0.0, activation="linear", method="importance"
    )
    hmc = kernels.sample_kernels(inputs, targets, depth=1, width=20, bias_scale=0.0, activation="linear")
    assert float((found.mean - hmc.mean).abs().max()) < 0.1 * float(hmc.mean.abs().max())


@pytest.mark.slow
def test_too_few_samples_are_marked() -> None:
    inputs, targets = kernels.xor_task(12, seed=3)
    with pytest.warns(NotConverged, match="not converged with hmc"):
        found = kernels.sample_kernels(inputs, targets, depth=1, width=50, samples=5)
    assert not found.converged
    with pytest.raises(StudyError, match="chains: received 1; must be an integer of at least 2"):
        kernels.sample_kernels(inputs, targets, depth=1, width=50, chains=1)
    with pytest.raises(StudyError, match="chains: received 1"):
        kernels.sample_kernels(inputs, targets, depth=1, width=50, sampler=kernels.Sampler(chains=1))
    with pytest.raises(TypeError, match="chain"):
        kernels.sample_kernels(inputs, targets, depth=1, width=50, chain=4)


def test_langevin_step_is_that_of_the_protocol() -> None:
    inputs, targets = kernels.xor_task(12, seed=3)
    posed = checked_problem(inputs, targets, checked_prior(1, 1.0, None, None, 0.5, "erf"), 100, 0.1)
    assert stable_step(posed) == pytest.approx(2e-3, rel=0.1)


def plain_rhat(chains: np.ndarray) -> float:
    half = chains.shape[1] // 2
    parts = np.concatenate([chains[:, :half], chains[:, half : 2 * half]])
    within = parts.var(axis=1, ddof=1).mean()
    between = half * parts.mean(axis=1).var(ddof=1)
    return float(np.sqrt(((half - 1) / half * within + between / half) / within))


def test_split_rhat_against_the_formula() -> None:
    draws = np.random.default_rng(0).standard_normal((4, 101))
    assert kernels.split_rhat(draws) == pytest.approx(plain_rhat(draws))
    apart = draws + np.arange(4)[:, None]
    assert kernels.split_rhat(apart) == pytest.approx(plain_rhat(apart))
    assert kernels.split_rhat(apart) > 1.3
    # a drift that all chains share is found because chains are split
    assert kernels.split_rhat(draws + np.linspace(-3, 3, 101)) > 1.3
    assert kernels.split_rhat(np.ones((2, 8))) == 1


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.9])
def test_effective_samples_of_an_autoregression(memory: float) -> None:
    draws = np.random.default_rng(1).standard_normal((4, 20000))
    chain = np.zeros_like(draws)
    for step in range(draws.shape[1]):
        before = chain[:, step - 1] if step else 0
        chain[:, step] = memory * before + draws[:, step]
    expected = chain.size * (1 - memory) / (1 + memory)
    assert kernels.effective_samples(chain) == pytest.approx(expected, rel=0.08)


@pytest.mark.slow
def test_fluctuations_at_first_order_are_those_sampled() -> None:
    inputs, targets = kernels.xor_task(12, seed=3)
    for depth in (1, 3):
        found = kernels.kernel_fluctuations(inputs, targets, depth=depth, width=200, networks=4000, draws=40000)
        assert found.scaled_variance_first_order == pytest.approx(found.scaled_variance, rel=0.08)
        assert found.scaled_overlap_first_order == pytest.approx(found.scaled_overlap, rel=0.06)


# the protocol's section 8 at g_b = 0.05, L = 4: g, std/mean of C_aa, relative Frobenius norm
@pytest.mark.parametrize(
    ("scale", "diagonal", "frobenius"), [(0.5, 0.076, 0.09), (1.0, 0.096, 0.23), (1.4, 0.090, 0.28), (3.0, 0.069, 0.32)]
)
def test_fluctuations_of_the_protocol(scale: float, diagonal: float, frobenius: float) -> None:
    inputs, targets = kernels.xor_task(12, seed=3)
    found = kernels.kernel_fluctuations(
        inputs, targets, depth=4, width=100, weight_scale=scale, bias_scale=0.05, networks=1000
    )
    assert found.relative_diagonal == pytest.approx(diagonal, rel=0.08)
    assert found.relative_frobenius == pytest.approx(frobenius, rel=0.08)


@pytest.mark.slow
def test_linear_response_of_the_prior_is_the_theorys_adaptation() -> None:
    """With one hidden layer; ``evidence/kernel_protocol.py`` checks two."""
    check_response(RESPONSES[0])


# arviz 0.23.4: rhat(..., method="split") and ess(..., method="mean") of the same numbers
@pytest.mark.parametrize(
    ("memory", "shift", "rhat", "effective"),
    [
        (0.6, 0.0, 1.0068209806442985, 424.274),
        (0.6, 0.5, 1.1526096317831647, 19.480),
        (-0.4, 0.0, 0.9990144134931153, 3851.7),
    ],
)
def test_diagnostics_against_arviz(memory: float, shift: float, rhat: float, effective: float) -> None:
    draws = np.random.default_rng(7).standard_normal((4, 500))
    chain = np.zeros_like(draws)
    for step in range(500):
        chain[:, step] = memory * (chain[:, step - 1] if step else 0) + draws[:, step]
    chain += shift * np.arange(4)[:, None]
    assert kernels.split_rhat(chain) == pytest.approx(rhat, rel=1e-9)
    assert kernels.effective_samples(chain) == pytest.approx(effective, rel=0.01)
