"""The largest Hessian eigenvalue against the dense Hessian in float64, and Lanczos against known spectra."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from critlab._core.errors import StudyError
from critlab.measures.gradients.curvature import AT_ONCE, hessian_top_eigenvalue, lanczos
from nets import NETS, hessian, net, seeded


def dense(model: Any, images: Any, labels: Any) -> Any:
    """Eigenvalues of the mean loss's Hessian, in float64."""
    model = model.double().eval()
    log_p = model(images.double()).log_softmax(-1)
    chosen = log_p.gather(-1, labels.clamp(min=0)[..., None])[..., 0]
    return torch.linalg.eigvalsh(hessian(model, -chosen[labels >= 0].mean()).detach())


@pytest.mark.slow
@pytest.mark.parametrize("name", list(NETS))
def test_it_is_the_largest_eigenvalue_of_the_dense_hessian(name: str) -> None:
    model, images, labels = net(name)
    found = hessian_top_eigenvalue(model, images, labels, generator=seeded(0), tolerance=1e-4, iterations=80)
    exact = dense(model, images, labels)
    largest = exact.abs().max().item()
    assert found.value == pytest.approx(exact[-1].item(), abs=1e-5 * largest + found.stderr**2 / largest + 1e-7)
    assert found.stderr <= 1e-4 * found.value + 1e-6 * largest


@pytest.mark.slow
def test_in_float64_it_is_exact_and_the_residual_bounds_the_error_before_that() -> None:
    model, images, labels = net("mlp")
    model.double()
    exact = dense(model, images, labels)
    for iterations in (2, 4, 8, 40):
        found = hessian_top_eigenvalue(
            model, images.double(), labels, generator=seeded(0), tolerance=1e-12, iterations=iterations
        )
        assert found.value <= exact[-1] + 1e-12
        assert (exact - found.value).abs().min() <= found.stderr + 1e-12
    assert found.value == pytest.approx(exact[-1].item(), rel=1e-9)


@pytest.mark.slow
def test_parts_of_the_images_add_up() -> None:
    model, images, labels = net("mlp", 2 * AT_ONCE + 9)
    found = hessian_top_eigenvalue(model, images, labels, generator=seeded(0), tolerance=1e-5, iterations=80)
    assert found.value == pytest.approx(dense(model, images, labels)[-1].item(), rel=1e-4)


@given(
    eigenvalues=st.lists(st.floats(-5, 5), min_size=1, max_size=12),
    seed=st.integers(0, 1000),
)
def test_lanczos_finds_the_largest_of_any_spectrum(eigenvalues: Any, seed: int) -> None:
    values = torch.tensor(eigenvalues, dtype=torch.float64)
    size = len(values)
    basis, _ = torch.linalg.qr(torch.randn(size, size, generator=seeded(seed), dtype=torch.float64))
    matrix = basis @ torch.diag(values) @ basis.T
    first = torch.randn(size, generator=seeded(seed + 1), dtype=torch.float64)
    found = lanczos(lambda v: matrix @ v, first, tolerance=1e-12, iterations=100)
    assert found.value == pytest.approx(max(eigenvalues), abs=1e-5)
    assert np.isfinite(found.stderr)


def test_no_curvature_at_all_is_zero() -> None:
    found = lanczos(torch.zeros_like, torch.ones(5), tolerance=1e-3, iterations=10)
    assert (found.value, found.stderr) == (0.0, 0.0)


def test_options_out_of_range_are_refused() -> None:
    with pytest.raises(StudyError, match="0 iterations"):
        hessian_top_eigenvalue(
            nn.Linear(2, 2), torch.rand(3, 2), torch.zeros(3).long(), generator=seeded(0), iterations=0
        )
