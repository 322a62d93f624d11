"""The singular-vector flow: both forms, the step-halving test against gradient descent, the switch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from critlab._core.errors import StudyError
from critlab.theory.linear import singular_vector_flow
from critlab.theory.linear.singular_vectors import product_velocity, singular_velocity


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_both_forms_are_the_same_velocity(depth: int) -> None:
    draw = np.random.default_rng(depth)
    u, _ = np.linalg.qr(draw.standard_normal((7, 7)))
    v, _ = np.linalg.qr(draw.standard_normal((7, 7)))
    s, gradient = np.sort(draw.uniform(0.1, 3, 7))[::-1], draw.standard_normal((7, 7))
    assert np.allclose(singular_velocity(u, s, v, gradient, depth), product_velocity(u, s, v, gradient, depth))


def test_both_forms_agree_after_400_steps() -> None:
    setting: dict[str, Any] = {
        "ranks": (3, 2),
        "observed": 80,
        "depth": 3,
        "switch": 200,
        "recovery": 200,
        "init_scale": 0.3,
    }
    ends = [singular_vector_flow(12, form=form, **setting).flow for form in ("singular", "product")]
    assert float((ends[0] - ends[1]).abs().max()) < 1e-12
    assert float((ends[0][-1] - ends[0][0]).abs().max()) > 1


def test_product_form_is_the_velocity_of_balanced_layers() -> None:
    """Gradient flow on the layers moves their product by the sum over layers of what each one's change does."""
    s, gradient, depth = np.diag([2.0, 1.0, 0.5]), np.random.default_rng(1).standard_normal((3, 3)), 3
    layer = s ** (1 / depth)
    powers = [np.linalg.matrix_power(layer, k) for k in range(depth)]
    moved = -sum(
        powers[k] @ powers[k].T @ gradient @ powers[depth - 1 - k].T @ powers[depth - 1 - k] for k in range(depth)
    )
    assert np.allclose(product_velocity(np.eye(3), np.diag(s), np.eye(3), gradient, depth), moved)


@pytest.mark.slow
@pytest.mark.parametrize("depth", [2, 3])
def test_gap_to_descent_halves_with_the_step(depth: int) -> None:
    gaps = []
    for parts in (1, 2):
        found = singular_vector_flow(
            20, ranks=(4, 2), observed=200, depth=depth, step=0.1 / parts, switch=1000 * parts, recovery=1000 * parts,
            init_scale=0.1, record_every=10 * parts,
        )  # fmt: skip
        gaps.append(found.gap)
    assert gaps[0] > 0
    assert 0.35 < gaps[1] / gaps[0] < 0.65


@pytest.mark.slow
def test_reduced_configuration_learns_both_tasks() -> None:
    found = singular_vector_flow(30, ranks=(4, 2), observed=450, depth=2, switch=3000, recovery=3000, record_every=1500)
    assert found.states.tolist() == [0, 1500, 3000, 4500, 6000]
    assert found.flow.shape == found.descent.shape == (5, 30)
    assert torch.allclose(found.flow[-1], found.descent[-1], atol=0.1)
    assert float(found.descent[2, 2]) > 2 * float(found.descent[-1, 2])
    assert float(found.flow[0, 0]) == pytest.approx(1e-3, rel=0.01)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"depth": 1}, "depth"), ({"form": "vector"}, "form"), ({"observed": 1000}, "observed"), ({"step": 0}, "step")],
)
def test_a_mistake_is_named(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        singular_vector_flow(20, **{"observed": 100, **arguments})  # type: ignore[arg-type]
