"""Priors, the edge of chaos, activations by quadrature, alignment and tasks."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from critlab import kernels
from critlab._core.errors import StudyError
from critlab.theory.kernels.averages.activations import ACTIVATIONS, activation_of


@pytest.mark.parametrize(
    ("bias", "scale"), [(0.0, math.pi / 4), (0.01, 1.114), (0.05, 1.376), (0.1, 1.552), (0.2, 1.788), (0.5, 2.234)]
)
def test_critical_scales_of_the_protocol(bias: float, scale: float) -> None:
    assert kernels.critical_scale(bias) == pytest.approx(scale, abs=6e-4)
    assert kernels.susceptibility(scale, bias) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    ("scale", "chi"),
    [(0.5, 0.53), (0.7, 0.70), (0.85, 0.79), (1.0, 0.87), (1.2, 0.94), (1.4, 1.01), (2.0, 1.15), (3.0, 1.35)],
)
def test_susceptibilities_of_the_protocol(scale: float, chi: float) -> None:
    assert kernels.susceptibility(scale, 0.05) == pytest.approx(chi, abs=6e-3)


@pytest.mark.slow
def test_stretched_erf_is_critical_at_one() -> None:
    assert kernels.critical_scale(0.0, lambda h: torch.erf(math.sqrt(math.pi) * h / 2)) == pytest.approx(1, abs=1e-4)


def test_depth_scale_on_both_sides_of_the_edge() -> None:
    assert kernels.depth_scale(1.0, 0.05) == pytest.approx(-1 / math.log(kernels.susceptibility(1.0, 0.05)))
    assert kernels.depth_scale(1.0, 0.05) > 0 > kernels.depth_scale(2.0, 0.05)


def test_relu_is_critical_at_two() -> None:
    assert kernels.susceptibility(2.0, 0.0, "relu") == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_moments_against_sampling(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    root = torch.tensor([[1.0, 0.0], [0.4, 0.7]], dtype=torch.float64)
    kernel = root @ root.T
    drawn = torch.randn(400_000, 2, generator=generator, dtype=torch.float64) @ root.T
    phi = activation_of(name)
    value, slope = phi.value(drawn), phi.slope(drawn)
    moments = phi.moments(kernel)
    torch.testing.assert_close(moments.product, value.T @ value / len(drawn), rtol=0, atol=6e-3)
    torch.testing.assert_close(moments.slopes, slope.T @ slope / len(drawn), rtol=0, atol=6e-3)
    # Stein: <phi''_a phi_b> = (<h_a phi'_a phi_b> - K_ab <phi'_a phi'_b>) / K_aa
    stein = (drawn * slope).T @ value / len(drawn) - kernel * (slope.T @ slope) / len(drawn)
    torch.testing.assert_close(moments.curvature, stein / kernel.diagonal()[:, None], rtol=0, atol=1e-2)


def test_quadrature_is_the_closed_form() -> None:
    inputs, _ = kernels.xor_task(6, seed=0)
    closed = kernels.prior_kernels(inputs, depth=3)
    for one, other in zip(closed, kernels.prior_kernels(inputs, depth=3, activation=torch.erf), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-5)
    assert len(closed) == 4


def test_linear_prior_is_the_input_kernel() -> None:
    inputs, _ = kernels.xor_task(6, seed=0)
    found = kernels.prior_kernels(
        inputs, depth=2, weight_scale=0.5, input_scale=2.0, readout_scale=3.0, bias_scale=0.1, activation="linear"
    )
    first = 2.0 * inputs @ inputs.T / 10 + 0.1
    torch.testing.assert_close(found[0], first)
    torch.testing.assert_close(found[2], 3.0 * (0.5 * first + 0.1) + 0.1)


def test_alignment_is_the_centred_correlation() -> None:
    draws = np.random.default_rng(0)
    first, second = (one @ one.T for one in draws.standard_normal((2, 5, 5)))
    centre = np.eye(5) - 1 / 5
    left, right = centre @ first @ centre, centre @ second @ centre
    expected = (left * right).sum() / np.linalg.norm(left) / np.linalg.norm(right)
    assert kernels.alignment(first, second) == pytest.approx(expected)
    assert kernels.alignment(first, 3 * first + 2) == pytest.approx(1)
    for size in (1e200, 1e-200):
        assert kernels.alignment(size * first, second) == pytest.approx(expected)
    with pytest.raises(StudyError, match="other: is the same for all pairs"):
        kernels.alignment(first, np.ones((5, 5)))


def test_spectrum_says_where_the_targets_lie() -> None:
    targets = torch.tensor([1.0, -1.0, 1.0, -1.0], dtype=torch.float64)
    found = kernels.spectrum(3 * torch.outer(targets, targets) + torch.eye(4, dtype=torch.float64), targets)
    assert found.values.tolist() == pytest.approx([13, 1, 1, 1])
    assert found.shares.tolist() == pytest.approx([1, 0, 0, 0], abs=1e-9)


def test_image_task_is_centred_and_scaled() -> None:
    inputs, targets = kernels.image_task(20)
    torch.testing.assert_close(inputs.square().sum(1), torch.full((20,), 784.0, dtype=torch.float64))
    assert targets.tolist() == [1.0] * 10 + [-1.0] * 10
    gram = torch.outer(targets, targets)
    # Fashion-MNIST 0 against 3, of the sample that ships: the protocol's whole data set starts with other images
    wide = kernels.prior_kernels(inputs, depth=1, bias_scale=0.05)[1]
    assert 0.2 < kernels.alignment(wide, gram) < 0.7


def test_own_arrays() -> None:
    draws = np.random.default_rng(0)
    arrays, labels = draws.standard_normal((10, 2, 3)), np.array([4, 7] * 5)
    inputs, targets = kernels.array_task(arrays, labels)
    assert inputs.shape == (10, 6)
    assert targets.tolist() == [1.0] * 5 + [-1.0] * 5
    with pytest.raises(StudyError, match="points: received 12; must be even, from 2 to 10"):
        kernels.array_task(arrays, labels, points=12)


def test_xor_refuses_one_point() -> None:
    with pytest.raises(StudyError, match="points: received 1; must be an integer of at least 2"):
        kernels.xor_task(1)
