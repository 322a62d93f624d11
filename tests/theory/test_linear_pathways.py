"""Two pathways: the authors' numbers, gates and lesions, the gradient against automatic differentiation."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pytest
import torch

from critlab._core.errors import StudyError
from critlab.theory.linear import Gate, Lesion, PathwayTrajectory, pathway_flow, train_pathways
from critlab.theory.linear.gates import open_updates
from critlab.theory.linear.hierarchy import balanced_layers, drawn_kappas, hierarchy, kappas, rotation

KAPPA = torch.tensor([0.013411, 0.012567, 0.012302, 0.011853, 0.011820, 0.011586, 0.011521, 0.011389])
WINDOWS = {"early": (0, 150), "middle": (400, 550), "late": (750, 900)}
FINALS = {
    "early": (
        [3.8596, 2.6308, 1.7023, 1.7024, 0.9353, 0.9354, 0.9354, 0.9354],
        [0.0134, 0.0150, 0.0297, 0.0297, 0.0647, 0.0646, 0.0646, 0.0646],
    ),
    "middle": (
        [1.9365, 1.3229, 0.8661, 0.8661, 0.7682, 0.7789, 0.7818, 0.7878],
        [1.9365, 1.3229, 0.8660, 0.8660, 0.2318, 0.2211, 0.2181, 0.2122],
    ),
    "late": (
        [1.9365, 1.3229, 0.8660, 0.8660, 0.5000, 0.5000, 0.5001, 0.5001],
        [1.9365, 1.3229, 0.8660, 0.8660, 0.5000, 0.4999, 0.4999, 0.4999],
    ),
}
LESIONED = (
    [3.8596, 0.0126, 1.7165, 1.7168, 0.9600, 0.9601, 0.9601, 0.9601],
    [0.0134, 2.6458, 0.0155, 0.0153, 0.0400, 0.0399, 0.0399, 0.0399],
)
GROUPS = ([0], [1], [2, 3], [4, 5, 6, 7])
BENT: dict[tuple[Literal["tanh", "relu"], str], tuple[list[float], list[float], float]] = {
    ("tanh", "early"): ([3.778, 2.567, 1.617, 0.757], [0.046, 0.041, 0.093, 0.236], 0.02),
    ("tanh", "middle"): ([1.935, 1.323, 0.867, 0.615], [1.938, 1.323, 0.865, 0.385], 0.02),
    ("tanh", "late"): ([1.9365, 1.3229, 0.866, 0.5], [1.9365, 1.3229, 0.866, 0.5], 0.02),
    ("relu", "early"): ([3.858, 2.629, 1.716, 0.987], [0.017, 0.015, 0.016, 0.013], 0.03),
    ("relu", "middle"): ([2.058, 1.450, 1.001, 0.656], [1.816, 1.196, 0.732, 0.340], 0.1),
    ("relu", "late"): ([1.937, 1.323, 0.866, 0.501], [1.936, 1.323, 0.866, 0.499], 0.03),
}


@pytest.fixture(scope="module")
def windows() -> PathwayTrajectory:
    return train_pathways(4, kappa=KAPPA, gates=[[Gate("b", *window)] for window in WINDOWS.values()])


def test_the_task_has_the_singular_values_of_its_tree() -> None:
    task = hierarchy()
    assert np.allclose(task.left * task.strengths @ task.right.T, task.labels)
    assert np.allclose(task.strengths, np.linalg.svd(task.labels, compute_uv=False))
    assert np.allclose(task.left.T @ task.left, np.eye(8))


@pytest.mark.parametrize("run", range(3), ids=list(WINDOWS))
def test_window_figure_ends_where_the_authors_program_ends(windows: PathwayTrajectory, run: int) -> None:
    a, b = list(FINALS.values())[run]
    assert np.allclose(windows.a[-1, run], a, atol=2e-4)
    assert np.allclose(windows.b[-1, run], b, atol=2e-4)


def test_first_state_is_the_start(windows: PathwayTrajectory) -> None:
    assert windows.a.shape == (1000, 3, 8)
    assert torch.allclose(windows.a[0], KAPPA.double().expand(3, 8), atol=1e-12)
    assert not torch.allclose(windows.a[1], windows.a[0])


@pytest.mark.parametrize("name", list(WINDOWS))
def test_descent_follows_the_reduced_dynamics(windows: PathwayTrajectory, name: str) -> None:
    run, start = list(WINDOWS).index(name), KAPPA.double() ** 0.25
    strengths = torch.from_numpy(hierarchy().strengths)
    conventions: tuple[tuple[Literal["before", "producing"], float], ...] = (("before", 1e-9), ("producing", 4e-3))
    for convention, tolerance in conventions:
        flow = pathway_flow(
            strengths, 4, start_a=start, start_b=start, gates=[Gate("b", *WINDOWS[name])], convention=convention
        )
        gaps = [(flow.a[:, 0] - windows.a[:, run]).abs().max(), (flow.b[:, 0] - windows.b[:, run]).abs().max()]
        assert max(gaps) <= tolerance
    early = [0.0000, 0.0002, 0.0005, 0.0005, 0.0008]
    if name == "early":
        found = (flow.a[:, 0] - windows.a[:, run]).abs().amax(0)[:5]
        assert np.allclose(found, early, atol=1e-4)


def test_one_run_equals_a_run_of_the_batch(windows: PathwayTrajectory) -> None:
    alone = train_pathways(4, kappa=KAPPA, gates=[Gate("b", *WINDOWS["middle"])])
    assert alone.a.shape == (1000, 8)
    assert torch.allclose(alone.b, windows.b[:, 1], atol=1e-10)


def test_float32_agrees_and_rotation_and_width_do_not_matter() -> None:
    gate = [Gate("b", 0, 150)]
    reference = train_pathways(4, kappa=KAPPA, gates=gate)
    single = train_pathways(4, kappa=KAPPA, gates=gate, dtype=torch.float32)
    assert single.a.dtype == torch.float32
    assert (single.a.double() - reference.a).abs().max() < 1e-5
    changes: list[dict[str, Any]] = [{"width": 8}, {"rotation_seed": 5}]
    for change in changes:
        assert (train_pathways(4, kappa=KAPPA, gates=gate, **change).a - reference.a).abs().max() < 1e-9


def test_a_lesioned_mode_is_learned_by_the_other_pathway_alone() -> None:
    found = train_pathways(3, kappa=KAPPA, gates=[Gate("b", 0, 200)], lesions=[Lesion("a", 1)])
    assert np.allclose(found.a[-1], LESIONED[0], atol=2e-4)
    assert np.allclose(found.b[-1], LESIONED[1], atol=2e-4)
    # the frozen strength stays in the weights, not in the output
    assert float(found.b[-1, 1]) == pytest.approx(7**0.5, abs=1e-6)
    assert float(found.a[-1, 1]) == pytest.approx(float(KAPPA[1]), abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(("activation", "name"), list(BENT))
def test_activations_end_where_the_authors_program_ends(activation: Literal["tanh", "relu"], name: str) -> None:
    found = train_pathways(
        3, kappa=KAPPA, gates=[Gate("b", *WINDOWS[name])], activation=activation, rotation_seed=[0, 1, 2]
    )
    a, b, tolerance = BENT[activation, name]
    for strengths, published in ((found.a, a), (found.b, b)):
        means = [float(strengths[-1].mean(0)[group].mean()) for group in GROUPS]
        assert np.allclose(means, published, atol=tolerance)
    if activation == "relu":
        assert 0.003 < float(found.a[0].mean()) < 0.009


@pytest.mark.parametrize("activation", ["linear", "tanh", "relu"])
def test_gradient_equals_automatic_differentiation(activation: Literal["linear", "tanh", "relu"]) -> None:
    bend = {"linear": lambda x: x, "tanh": torch.tanh, "relu": torch.relu}[activation]
    task, rate = hierarchy(), 0.05
    layers = balanced_layers(task, 3, kappas(0.3, 12), rotation(12, 4))
    weights = [[torch.tensor(layer, requires_grad=True) for layer in layers] for _ in range(2)]
    missing = [np.eye(15) - np.outer(task.left[:, 1], task.left[:, 1]), np.eye(15)]
    absent = [np.eye(8) - np.outer(task.right[:, 1], task.right[:, 1]), np.eye(8)]
    strengths = []
    for step in range(6):
        products = [bend(w[2] @ bend(w[1] @ bend(w[0]))) for w in weights]
        strengths.append([np.diagonal(task.left.T @ product.detach().numpy() @ task.right) for product in products])
        seen = [torch.tensor(m) @ p @ torch.tensor(q) for m, p, q in zip(missing, products, absent, strict=True)]
        (0.5 * ((seen[0] + seen[1] - torch.tensor(task.labels)) ** 2).sum()).backward()
        with torch.no_grad():
            for pathway, matrices in enumerate(weights):
                for matrix in matrices:
                    if pathway == 0 or not 2 <= step < 4:
                        assert matrix.grad is not None
                        matrix -= rate * matrix.grad
                    matrix.grad = None
    found = train_pathways(
        3, kappa=0.3, learning_rate=rate, steps=6, width=12, activation=activation, gates=[Gate("b", 2, 4)],
        lesions=[Lesion("a", 1)], rotation_seed=4,
    )  # fmt: skip
    both = np.array(strengths)
    assert np.allclose(found.a, both[:, 0], atol=1e-12)
    assert np.allclose(found.b, both[:, 1], atol=1e-12)


def test_a_gated_pathway_stands_still_in_exactly_its_window() -> None:
    found = train_pathways(2, kappa=0.1, steps=20, gates=[Gate("a", 5, 8), Gate("a", 10, 12)])
    moved = (found.a[1:] - found.a[:-1]).abs().amax(1) > 0
    assert [update for update in range(19) if not moved[update]] == [5, 6, 7, 10, 11]
    assert bool(((found.b[1:] - found.b[:-1]).abs().amax(1) > 0).all())


def test_stochastic_gates_block_their_share_and_repeat_themselves() -> None:
    free = open_updates([[Gate("b", 100, 10100, 0.9)]], 12000)
    assert free[:100].all()
    assert free[10100:].all()
    assert 0.88 < 1 - free[100:10100, 1].mean() < 0.92
    runs = [train_pathways(2, kappa=0.05, steps=300, gates=[Gate("b", 0, 250, 0.9)]).b for _ in range(2)]
    assert torch.equal(runs[0], runs[1])
    whole = train_pathways(2, kappa=0.05, steps=300, gates=[Gate("b", 0, 250)]).b
    assert bool((runs[0][-1] > whole[-1]).all())


def test_start_strengths_may_be_one_eight_or_one_for_each_direction() -> None:
    eight = drawn_kappas(0.01, 20, 3)
    assert (np.diff(eight) <= 0).all()
    assert np.array_equal(kappas(eight[:8], 20)[8:], np.full(12, eight[7]))
    assert np.array_equal(kappas(eight, 20), eight)
    with pytest.raises(StudyError, match="kappa: received 9 values"):
        train_pathways(2, kappa=np.ones(9))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"depth": 0}, "depth: received 0"),
        ({"steps": 2.5}, "steps: received 2.5"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"width": 7}, "width: received 7"),
        ({"activation": "tahn"}, "did you mean 'tanh'"),
        ({"kappa": -0.1}, "kappa"),
        ({"kappa": "small"}, "kappa"),
        ({"gates": [1]}, "gates"),
        ({"gates": [[], [], []], "rotation_seed": [0, 1]}, "3 runs for 2 rotation seeds"),
        ({"dtype": torch.int64}, "dtype"),
    ],
)
def test_a_mistake_is_named(arguments: dict[str, object], message: str) -> None:
    raw: dict[str, Any] = {"depth": 3, "kappa": 0.01, **arguments}
    with pytest.raises(StudyError, match=message):
        train_pathways(raw.pop("depth"), **raw)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Gate("c", 0, 1),  # type: ignore[arg-type]
        lambda: Gate("a", 3, 2),
        lambda: Gate("a", -1, 2),
        lambda: Gate("a", 0, 2, 1.5),
        lambda: Lesion("a", 8),
    ],
)
def test_gates_and_lesions_refuse_what_they_cannot_be(make: object) -> None:
    with pytest.raises(StudyError):
        make()  # type: ignore[operator]
