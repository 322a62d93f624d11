"""The theory of paper 4 against the protocol's numbers, exact posteriors, the action and its own other form."""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from critlab import kernels
from critlab._core.errors import StudyError
from critlab._core.terminal import progress
from critlab.theory.kernels.adaptation import Adaptation, NotConverged
from critlab.theory.kernels.averages.activations import activation_of
from critlab.theory.kernels.averages.gaussian import Tilt, features, fixed_draws, pulled_further, weights
from critlab.theory.kernels.model import checked_prior, checked_problem
from critlab.theory.kernels.prior import pulled_back
from critlab.theory.kernels.sampling.action import action
from critlab.theory.kernels.sampling.annealing import Attempt, settled
from paths import EVIDENCE

sys.path.insert(0, str(EVIDENCE))
from kernel_protocol import THEORY, TheoryRow, check_theory


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def xor(points: int) -> tuple[Tensor, Tensor]:
    return kernels.xor_task(points, seed=3)


def gram(targets: Tensor) -> Tensor:
    return torch.outer(targets, targets)


def test_xor_draws_are_those_of_the_protocol() -> None:
    inputs, targets = xor(12)
    means = np.array([(1, 1), (-1, -1), (1, -1), (-1, 1)] * 3) * math.sqrt(5)
    expected = 0.5 * np.random.default_rng(3).standard_normal((12, 10))
    expected[:, :2] += means
    np.testing.assert_allclose(inputs.numpy(), expected)
    assert targets.tolist() == [1, 1, -1, -1] * 3


@pytest.mark.slow
@pytest.mark.parametrize("row", [THEORY[0], THEORY[3], THEORY[6]], ids=["first", "little noise", "two layers"])
def test_alignments_of_the_protocol(row: TheoryRow) -> None:
    """``evidence/kernel_protocol.py`` checks the other rows."""
    check_theory(row)


@pytest.mark.slow
def test_many_batches_scatter_less_and_solve_their_own_equations() -> None:
    inputs, targets = xor(12)
    model: dict[str, Any] = {"depth": 2, "width": 60, "draws": 400}

    def spread(batches: int) -> float:
        found = [kernels.adapted_kernels(inputs, targets, **model, batches=batches, seed=seed) for seed in range(6)]
        assert all(one.converged for one in found)
        return float(np.std([kernels.alignment(one.kernels[2], gram(targets)) for one in found]))

    assert spread(16) < 0.5 * spread(1)
    prior = checked_prior(2, 1.0, None, None, 0.5, "erf")
    problem = checked_problem(inputs, targets, prior, 60, 0.1)
    attempt = Attempt("tilted", fixed_draws(400, 12, 0), 0, 1e-6, 0.3, 500, batches=4)
    plain, step = settled(problem, attempt, kernels.prior_kernels(inputs, depth=2), 60)
    found = kernels.adapted_kernels(inputs, targets, **model, batches=4)
    assert step.change <= 1e-6
    for one, other in zip(plain.kernels, found.kernels, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-5)


def test_infinite_width_is_the_prior() -> None:
    inputs, targets = xor(12)
    found = kernels.adapted_kernels(inputs, targets, depth=2, width=10**7, batches=1)
    for new, old in zip(found.kernels, kernels.prior_kernels(inputs, depth=2), strict=True):
        torch.testing.assert_close(new, old, rtol=0, atol=1e-5)
    assert len(found.conjugates) == 2


def exact_linear(kernel: Tensor, targets: Tensor, width: int, noise: float) -> Tensor:
    """The posterior mean of C^1 of a linear network with one hidden layer, g = 1, by an integral over u."""
    points = len(targets)
    identity = torch.eye(points, dtype=torch.float64)
    grid = torch.linspace(0.05, 6, 6000, dtype=torch.float64)
    logs, parts = [], []
    for u in grid.tolist():
        noisy = u * kernel + noise * identity
        inverse = torch.linalg.inv(noisy)
        solved = inverse @ targets
        log_det = float(torch.logdet(noisy))
        logs.append((width / 2 - 1) * math.log(u) - width * u / 2 - log_det / 2 - float(targets @ solved) / 2)
        parts.append(u * kernel @ (torch.outer(solved, solved) - inverse) @ kernel)
    weight = torch.softmax(torch.tensor(logs, dtype=torch.float64), 0)
    return kernel + torch.einsum("u,uab->ab", weight, torch.stack(parts)) / width


@pytest.mark.slow
@pytest.mark.parametrize(
    ("points", "width", "leading", "tilted"),
    [(8, 50, 0.118, 0.069), (8, 400, 0.020, 0.010), (32, 400, 0.072, 0.026), (32, 1600, 0.022, 0.007)],
)
def test_deep_linear_kernel_against_the_exact_posterior(points: int, width: int, leading: float, tilted: float) -> None:
    inputs, targets = kernels.xor_task(points, 40, spread=1.0, seed=3)
    prior = kernels.prior_kernels(inputs, depth=1, bias_scale=0.0, activation="linear")
    exact = exact_linear(prior[0], targets, width, 0.1)
    for mode, expected in (("leading", leading), ("tilted", tilted)):
        model: dict[str, Any] = {"depth": 1, "width": width, "bias_scale": 0.0, "activation": "linear"}
        found = kernels.adapted_kernels(inputs, targets, **model, mode=mode)
        error = float((found.kernels[1] - exact).norm() / (prior[1] - exact).norm())
        assert error == pytest.approx(expected, abs=6e-4)


@pytest.mark.parametrize("ratio", [0.125, 0.5])
def test_closed_forms_of_section_10(ratio: float) -> None:
    points, width = 16, round(16 / ratio)
    inputs = math.sqrt(points) * torch.eye(points, dtype=torch.float64)
    targets = torch.tensor([1.0, -1.0] * (points // 2), dtype=torch.float64)
    unit = targets / targets.norm()
    root = max(np.roots([1, -1, 0, -ratio]).real)
    for mode, expected in (("tilted", (1 + math.sqrt(1 + 4 * ratio)) / 2), ("leading", root)):
        found = kernels.adapted_kernels(
            inputs, targets, depth=1, width=width, bias_scale=0.0, noise=1e-6, activation="linear", mode=mode
        )
        across = float(found.kernels[1].trace() - unit @ found.kernels[1] @ unit) / (points - 1)
        # T^1 = (y y^T - 1)/2 at C = 1: along Y the data push by P - 1, the closed form's P up to 1/P
        assert float(unit @ found.kernels[1] @ unit) == pytest.approx(expected, rel=0.06)
        assert across < 1


@pytest.mark.slow
def test_backward_rule_equals_the_rule_without_derivatives() -> None:
    inputs, targets = xor(8)
    found = kernels.adapted_kernels(inputs, targets, depth=2, width=60, batches=4)
    phi = activation_of("erf")
    kernel, conjugate, width = found.kernels[1], found.conjugates[1], 60
    drawn = features(kernel, fixed_draws(200_000, 8, 5), phi)
    tilt = Tilt(conjugate, 1.0, width, "tilted")
    weighed = weights(drawn, tilt)
    rule = pulled_back(conjugate, kernel, 1.0, phi) + pulled_further(drawn, weighed, tilt, phi)
    inverse = torch.linalg.inv(kernel)
    # fixed draws have covariance 1 exactly, so w - 1/M is the control variate here too
    moment = drawn.hidden.T @ (weighed.excess[:, None] * drawn.hidden)
    other = width / 2 * inverse @ moment @ inverse
    assert float((rule - other).norm() / rule.norm()) < 0.05
    torch.testing.assert_close(rule, found.conjugates[0], rtol=0, atol=0.05 * float(rule.abs().max()))


@pytest.mark.slow
def test_rule_without_curvature_agrees() -> None:
    inputs, targets = xor(8)
    model: dict[str, Any] = {"depth": 2, "width": 60, "draws": 6000, "batches": 1}
    smooth = kernels.adapted_kernels(inputs, targets, **model)
    by_hand = kernels.adapted_kernels(inputs, targets, **model, activation=torch.erf)
    torch.testing.assert_close(smooth.kernels[2], by_hand.kernels[2], rtol=0, atol=5e-3)


@pytest.mark.slow
@pytest.mark.parametrize("depth", [1, 2])
def test_the_action_is_stationary_at_the_solution(depth: int) -> None:
    inputs, targets = xor(12)
    many: dict[str, Any] = {"draws": 10000, "batches": 2}
    found = kernels.adapted_kernels(inputs, targets, depth=depth, width=100, **many, tolerance=1e-8)
    layers = [one.clone().requires_grad_() for one in found.kernels[1:]]
    conjugates = [one.clone().requires_grad_() for one in found.conjugates]
    prior = checked_prior(depth, 1.0, None, None, 0.5, "erf")
    problem = checked_problem(inputs, targets, prior, 100, 0.1)
    gradients = torch.autograd.grad(action(layers, conjugates, problem, **many), [*layers, *conjugates])
    by_kernel, by_conjugate = gradients[:depth], gradients[depth:]
    for gradient, conjugate in zip(by_kernel[:-1], found.conjugates[:-1], strict=True):
        symmetric = (gradient + gradient.T) / 2
        assert float(symmetric.norm()) < 0.08 * float(conjugate.norm())
    # exact: the data's term, and the forward equations by the same fixed draws
    assert float(by_kernel[-1].norm()) < 1e-5
    for gradient in by_conjugate:
        assert float(gradient.norm()) < 1e-5
    away = [2 * one.detach() for one in conjugates]
    for one in away:
        one.requires_grad_()
    moved = torch.autograd.grad(action(layers, away, problem, **many), away)
    assert float(moved[-1].norm()) > 1e-3


@pytest.mark.slow
def test_the_same_seed_gives_the_same_and_another_does_not() -> None:
    inputs, targets = xor(12)

    def found(seed: int) -> Adaptation:
        return kernels.adapted_kernels(inputs, targets, depth=1, width=100, seed=seed, batches=2)

    assert torch.equal(found(1).kernels[1], found(1).kernels[1])
    assert not torch.equal(found(1).kernels[1], found(2).kernels[1])


def test_a_false_start_is_marked() -> None:
    inputs, targets = xor(12)
    with pytest.warns(NotConverged, match="not converged at width 100"):
        found = kernels.adapted_kernels(inputs, targets, depth=1, width=100, sweeps=2)
    assert not found.converged
    assert not found.trusted
    assert found.history[-1].change > 1e-6


def test_sweeps_have_an_end_and_say_how_far_they_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs, targets = xor(12)
    monkeypatch.setattr(progress, "SILENT_SECONDS", 0)
    monkeypatch.setattr(progress, "LINE_SECONDS", 0)
    hard: dict[str, Any] = {"depth": 2, "weight_scale": 0.5, "width": 20, "draws": 200}
    with pytest.warns(NotConverged, match=r"not converged at width 160: all 60 sweeps \(total\) are used up before it"):
        found = kernels.adapted_kernels(inputs, targets, **hard, total=60)
    assert not found.converged
    assert sum(step.sweeps for step in found.history[:-1]) <= 60
    told = capsys.readouterr().err.splitlines()
    assert told[0] == "adapted_kernels: width 1280, sweep 1 of at most 60"
    assert "sweep 7 of at most 60, relative change" in told[6]


BAD = [
    ({"inputs": [[1.0, 2.0]], "targets": [1.0]}, "inputs: received 1 point; must be at least 2"),
    ({"inputs": [[1.0, 2.0], [1.0, 2.0]], "targets": [1.0, -1.0]}, "points 0 and 1 are equal"),
    ({"inputs": [[1.0, math.nan], [1.0, 2.0]]}, "inputs: 1 of 4 numbers are not finite"),
    ({"targets": [1.0, math.inf]}, "targets: 1 of 2 numbers are not finite"),
    ({"targets": [1.0, -1.0, 1.0]}, "targets: received shape"),
    ({"noise": 0.0}, "noise: received 0.0; must be a finite number above 0"),
    ({"width": 0}, "width: received 0; must be an integer of at least 1"),
    ({"width": 0.5}, "width: received 0.5"),
    ({"depth": 0}, "depth: received 0"),
    ({"weight_scale": -1.0}, "weight_scale: received -1.0"),
    ({"weight_scale": math.nan}, "weight_scale: received nan"),
    ({"bias_scale": -0.1}, "bias_scale: received -0.1"),
    ({"activation": "erv"}, "erf"),
    ({"inputs": "words"}, "inputs: received"),
    ({"inputs": [1.0, 2.0]}, "inputs: received shape"),
    ({"inputs": np.array([[1j, 2.0], [3.0, 4.0]])}, "must be an array of real numbers"),
    ({"inputs": [[1e200, 2.0], [3.0, 4.0]]}, "inputs: up to 1e\\+200 in size"),
    ({"targets": [[[1.0]], [[-1.0]]]}, "targets: received shape"),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_ill_posed_input_is_named(change: dict[str, object], message: str) -> None:
    good: dict[str, Any] = {"inputs": [[1.0, 2.0], [3.0, 4.0]], "targets": [1.0, -1.0], "depth": 1, "width": 10}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for function in (kernels.adapted_kernels, kernels.sample_kernels):
            with pytest.raises(StudyError, match=message):
                function(**{**good, **change})


def test_arrays_lists_and_columns_of_targets_are_one_problem() -> None:
    model: dict[str, Any] = {"depth": 1, "width": 20, "draws": 200, "batches": 2}
    lists = kernels.adapted_kernels([[1, 2], [3, 4], [0, 1]], [1, -1, 1], **model)
    arrays = kernels.adapted_kernels(np.array([[1, 2], [3, 4], [0, 1]]), np.array([[1], [-1], [1]]), **model)
    assert torch.equal(lists.kernels[1], arrays.kernels[1])
    tenths = kernels.prior_kernels([[0.1, 0.2], [0.3, 0.4]], depth=1)
    assert torch.equal(tenths[1], kernels.prior_kernels(np.array([[0.1, 0.2], [0.3, 0.4]]), depth=1)[1])


def test_the_walk_is_checked() -> None:
    inputs, targets = xor(4)
    changes: dict[str, dict[str, Any]] = {
        "damping: received 2; must be": {"damping": 2},
        "widths: received 100": {"widths": 100},
    }
    for message, change in changes.items():
        with pytest.raises(StudyError, match=message):
            kernels.adapted_kernels(inputs, targets, depth=1, width=10, **change)


def test_unknown_mode_and_method() -> None:
    inputs, targets = xor(4)
    with pytest.raises(StudyError, match="mode: received 'full'; must be one of tilted, leading"):
        kernels.adapted_kernels(inputs, targets, depth=1, width=10, mode="full")
    with pytest.raises(StudyError, match="method: received 'nuts'"):
        kernels.sample_kernels(inputs, targets, depth=1, width=10, method="nuts")
