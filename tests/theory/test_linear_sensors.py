"""Sensor curves: the authors' numbers, both networks against their differential equations, removed sensors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from critlab._core.errors import StudyError
from critlab.theory.linear import sensor_curves
from critlab.theory.linear.sensors import TREE, TREE_SIGNED


def passes_half(weights: torch.Tensor, task: int, sensor: int) -> int:
    return int((weights[:, task, sensor] > 0.5).nonzero()[0])


def test_singular_values() -> None:
    whole, without = sensor_curves("paper"), sensor_curves("paper", without=2)
    assert np.allclose(whole.singular_values, [4.4209, 1.7321, 1.5672, 1, 1], atol=1e-4)
    assert np.allclose(without.singular_values, [1.7321, 1.7321, 1, 1, 1], atol=1e-4)


@pytest.mark.parametrize(
    ("place", "indices"), [((0, 0), (145, 282)), ((0, 3), (153, 347)), ((4, 7), (248, 461)), ((2, 1), (282, 282))]
)
def test_deep_weights_pass_half_when_the_authors_do(place: tuple[int, int], indices: tuple[int, int]) -> None:
    found = [passes_half(sensor_curves("paper", without=left).deep, *place) for left in (None, 2)]
    assert found == list(indices)


def test_a_removed_sensor_slows_its_deep_neighbours_only() -> None:
    whole, without = sensor_curves("paper"), sensor_curves("paper", without=[2])
    remaining = [0, 1, 3, 4, 5, 6, 7]
    change = (whole.deep - without.deep)[:, :, remaining].abs()
    assert np.allclose(change.amax((0, 2)), [0.5367, 0.2434, 0, 0, 0.5593], atol=1e-4)
    assert np.allclose(change.amax((0, 1)), [0.5367, 0, 0.5134, 0.2434, 0, 0, 0.5593], atol=1e-4)
    assert float(change[-1].max()) == pytest.approx(1.4e-5, abs=1e-6)
    assert np.allclose(whole.deep[200, 0], [0.5725, 0, 3.0746, 0.5343, 0.0382, 0, 0, 0.4906], atol=1e-4)
    assert np.allclose(without.deep[200, 0], [0.0560, 0, 0, 0.0307, 0.0253, 0, 0, 0], atol=1e-4)
    assert float((whole.shallow - without.shallow)[:, :, remaining].abs().max()) < 1e-4
    assert passes_half(whole.shallow, 0, 0) == passes_half(without.shallow, 2, 1) == 70
    assert bool((without.deep[:, :, 2] == 0).all())


@pytest.mark.parametrize("task", ["paper", "tree", "tree_signed"])
def test_curves_solve_their_equations(task: str) -> None:
    """For deep modes da/dx = 2 a (s - a), for shallow ones db/dx = s - b, held together by U and V."""
    curves = sensor_curves(task, points=4001, start=1e-2)
    sigma, step = curves.deep[-1] * 0 + sensor_curves(task, horizon=200.0).deep[-1], float(curves.time[1])
    middle = curves.shallow[1:-1]
    speed = (curves.shallow[2:] - curves.shallow[:-2]) / (2 * step)
    assert torch.allclose(speed, sigma - middle, atol=1e-4)
    u, s, vt = torch.linalg.svd(sigma, full_matrices=False)
    kept = s > 1e-9
    modes = torch.einsum("ik,tij,kj->tk", u[:, kept], curves.deep, vt[kept])
    speed = (modes[2:] - modes[:-2]) / (2 * step)
    assert torch.allclose(speed, 2 * modes[1:-1] * (s[kept] - modes[1:-1]), atol=1e-3)


def test_trees_have_rows_of_norm_one_and_no_mode_of_zero() -> None:
    for name, rows in (("tree", TREE), ("tree_signed", TREE_SIGNED)):
        curves = sensor_curves(name, horizon=100.0)
        sigma = torch.tensor(rows, dtype=torch.float64)
        assert torch.allclose(curves.deep[-1], sigma / sigma.norm(dim=1, keepdim=True), atol=1e-4)
        assert bool(curves.deep.isfinite().all())
        norms = curves.deep.norm(dim=2)
        assert bool((norms[1:] > norms[:-1] - 1e-9).all())


def test_grid_and_own_task() -> None:
    curves = sensor_curves(torch.eye(2), horizon=4.0, points=5, dtype=torch.float32)
    assert curves.time.tolist() == [0, 1, 2, 3, 4]
    assert curves.deep.dtype == torch.float32
    assert bool(sensor_curves(np.zeros((2, 3))).deep.eq(0).all())
    assert bool(sensor_curves([[500.0]], horizon=1000.0).deep.isfinite().all())


@pytest.mark.parametrize(
    ("task", "arguments", "message"),
    [
        ("papr", {}, "did you mean 'paper'"),
        ("paper", {"without": 8}, "without: received 8"),
        ([[1.0]], {"without": 0}, "must leave a sensor"),
        ([1.0, 2.0], {}, "task"),
        ("paper", {"start": 0}, "start"),
        ("paper", {"points": 1}, "points"),
    ],
)
def test_a_mistake_is_named(task: object, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        sensor_curves(task, **arguments)  # type: ignore[arg-type]
