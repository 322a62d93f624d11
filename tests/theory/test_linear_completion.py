"""Matrix completion: the portable reference values, the gradient, sharing that changes nothing, windows, controls."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from critlab._core.errors import StudyError
from critlab.theory.linear import CompletionTable, MatrixTask, complete_matrix, portable_instance
from critlab.theory.linear.completion.tree import Course, stretches

SMALL: dict[str, Any] = {"ranks": (4, 2), "observed": 300, "recovery": 5000}
ERRORS = {
    (1, 1): (0.64610, 0.64618, 0.64646),
    (1, 2): (0.68771, 0.68781, 0.68807),
    (2, 1): (0.02332, 0.04582, 0.31396),
    (2, 2): (0.03398, 0.33773, 0.49279),
    (3, 1): (0.00176, 0.00046, 0.41283),
    (3, 2): (0.00077, 0.00064, 0.60830),
}
VALUES = {
    1: (9.845, 8.172, 6.242, 5.174),
    2: (20.701, 17.885, 1.348, 0.825),
    3: (22.765, 19.256, 0.055, 0.014),
}
TINY: dict[str, Any] = {
    "ranks": (2, 1),
    "observed": 60,
    "recovery": 40,
    "learning_rate": 1.0,
    "init_scale": 0.05,
    "dtype": torch.float64,
}


@pytest.fixture(scope="module")
def small() -> CompletionTable:
    return complete_matrix(30, **SMALL, depths=(1, 2, 3), removals=(0, 1000, 5000), seeds=(1, 2), dtype=torch.float64)


@pytest.mark.slow
def test_portable_reference_at_n_30(small: CompletionTable) -> None:
    rows = small.rows()
    assert [(row["depth"], row["seed"]) for row in rows[::3]] == list(ERRORS)
    found = np.array([row["error"] for row in rows]).reshape(-1, 3)
    assert np.allclose(found, list(ERRORS.values()), atol=2e-5)
    for depth, values in VALUES.items():
        row = next(r for r in rows if (r["depth"], r["seed"], r["removal"]) == (depth, 1, 0))
        assert np.allclose(row["singular_values"][:4], values, atol=1e-3)
        assert len(row["singular_values"]) == 10
    assert all(row["train_loss"] < 1.3e-3 for row in rows)
    # damage in the mean of two seeds where there are hidden layers; n = 50 is in evidence/completion_n50.py
    means = found.reshape(3, 2, 3).mean(1)
    assert np.ptp(means[0]) < 0.002
    assert (means[1:, -1] > means[1:, 0] + 0.2).all()


@pytest.mark.slow
def test_float32_agrees_with_float64(small: CompletionTable) -> None:
    single = complete_matrix(30, **SMALL, depths=(3,), removals=(0, 1000, 5000), seeds=(1, 2))
    deep = [one for one in small.finals if one.depth == 3]
    gaps = [abs(a.error - b.error) for a, b in zip(single.finals, deep, strict=True)]
    assert 0 < max(gaps) < 2e-5


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@pytest.mark.parametrize("subset", [None, 25])
def test_updates_equal_automatic_differentiation(depth: int, subset: int | None) -> None:
    instance = portable_instance(9, (2, 1), 60, depth, 0.05, 5)
    layers = [torch.tensor(layer, requires_grad=True) for layer in instance.layers]
    targets, seen = torch.tensor(instance.targets), (torch.tensor(instance.rows), torch.tensor(instance.columns))
    clean = targets[0 if subset else 1]

    def product() -> torch.Tensor:
        return torch.linalg.multi_dot(layers) if depth > 1 else layers[0]

    for update in range(70):
        deficit = 10 <= update < 30
        count = subset if subset and deficit else 60
        rows, columns = (index[:count] for index in seen)
        error = (product() - (targets[0] if deficit else clean))[rows, columns]
        (0.5 * (error**2).mean()).backward()
        with torch.no_grad():
            for layer in layers:
                assert layer.grad is not None
                layer -= layer.grad
                layer.grad = None
    table = complete_matrix(9, **TINY, depths=(depth,), onsets=(10,), removals=(30,), seeds=(5,), first_observed=subset)
    with torch.no_grad():
        end = product().detach()
        squares = (end - clean) ** 2
    row = table.finals[0]
    assert row.error == pytest.approx(float(squares.mean()), rel=1e-10)
    assert row.train_loss == pytest.approx(float(0.5 * squares[seen].mean()), rel=1e-10)
    assert np.allclose(row.singular_values, torch.linalg.svdvals(end), rtol=1e-9, atol=1e-12)


def test_a_sweep_equals_its_runs_one_by_one() -> None:
    sweep: dict[str, Any] = {"depths": (2, 3), "onsets": (0, 5, 12), "removals": (0, 5, 20), "seeds": (1, 4)}
    rows = complete_matrix(9, **TINY, **sweep).rows()
    assert len(rows) == 36
    for row in rows:
        alone = complete_matrix(
            9, **TINY, depths=(row["depth"],), onsets=(row["onset"],), removals=(row["removal"],), seeds=(row["seed"],)
        ).rows()
        assert alone[0]["error"] == pytest.approx(row["error"], rel=1e-12)


def test_an_empty_window_is_the_clean_run_of_equal_budget() -> None:
    rows = complete_matrix(9, **TINY, onsets=(0, 20, 30), removals=(0, 20)).rows()
    by = {(row["onset"], row["removal"]): row["error"] for row in rows}
    longer = complete_matrix(9, **{**TINY, "recovery": 60}).rows()[0]["error"]
    assert by[20, 20] == by[30, 20] == pytest.approx(longer, rel=1e-12)
    assert by[0, 0] == by[20, 0]
    assert by[0, 20] != by[20, 20]


def test_recorded_moments_run_through_the_whole_sweep() -> None:
    plain = complete_matrix(9, **TINY, removals=(0, 7, 25))
    table = complete_matrix(9, **TINY, removals=(0, 7, 25), record_every=10)
    assert plain.states == ()
    assert [row.error for row in table.finals] == pytest.approx([row.error for row in plain.finals], rel=1e-12)
    last = [state for state in table.traces() if state["removal"] == 25]
    assert [state["update"] for state in last] == [0, 10, 20, 30, 40, 50, 60, 65]
    assert last[-1]["error"] == table.finals[-1].error
    zero = [state for state in table.traces() if state["update"] == 0]
    assert len({state["error"] for state in zero}) == 1


def test_windows_name_their_pairs() -> None:
    pairs = [(0, 5), (3, 8), (8, 8)]
    found = complete_matrix(9, **TINY, windows=pairs).rows()
    assert [(row["onset"], row["removal"]) for row in found] == pairs
    rows = complete_matrix(9, **TINY, onsets=(0, 3, 8), removals=(5, 8)).rows()
    grid = {(row["onset"], row["removal"]): row["error"] for row in rows}
    assert [grid[pair] for pair in pairs] == pytest.approx([row["error"] for row in found], rel=1e-12)


def updates(courses: list[Course]) -> int:
    """Updates of the whole sweep when what runs share is done once."""
    return sum(stretch.stop - stretch.start for stretch in stretches(courses))


def test_tree_does_what_is_shared_once() -> None:
    courses = [Course(0, removal, 30000) for removal in (0, 1000, 5000, 10000, 20000, 40000, 60000, 80000, 100000)]
    assert updates(courses) == 100000 + 9 * 30000
    assert updates([Course(0, 5, 10), Course(3, 5, 10), Course(5, 5, 10)]) == 15 + (5 + 10) + (2 + 10)
    tree = stretches(courses)
    for place, stretch in enumerate(tree):
        if stretch.parent is None:
            assert stretch.start == 0
        else:
            before = tree[stretch.parent]
            assert stretch.parent < place
            assert before.stop == stretch.start
            assert set(stretch.courses) <= set(before.courses)
    for course in courses:
        assert sum(stretch.stop - stretch.start for stretch in tree if course in stretch.courses) == course.stop


def test_instances_differ_by_seed_and_share_tasks_across_depths() -> None:
    one, deep = portable_instance(12, (3, 2), 40, 1, 1e-3, 7), portable_instance(12, (3, 2), 40, 3, 1e-3, 7)
    assert np.array_equal(one.targets, deep.targets)
    assert np.array_equal(one.rows, deep.rows)
    assert not np.array_equal(one.rows, portable_instance(12, (3, 2), 40, 1, 1e-3, 8).rows)
    assert np.allclose((one.targets**2).mean((1, 2)), 1)
    assert len(set(zip(one.rows.tolist(), one.columns.tolist(), strict=True))) == 40
    assert np.linalg.matrix_rank(one.targets[0]) == 3
    assert float(deep.layers.std()) == pytest.approx(0.1 / 12**0.5, rel=0.1)


def test_divergence_is_a_result() -> None:
    row = complete_matrix(9, **{**TINY, "learning_rate": 500.0, "recovery": 200}).finals[0]
    assert not np.isfinite(row.error)
    assert np.isnan(row.singular_values).all()


def test_options_of_the_task_are_one_value_or_given_by_name() -> None:
    how: dict[str, Any] = {"recovery": 40, "learning_rate": 1.0, "dtype": torch.float64}
    named = complete_matrix(9, **TINY).rows()
    assert complete_matrix(9, task=MatrixTask((2, 1), 60, init_scale=0.05), **how).rows() == named
    assert complete_matrix(9, task=MatrixTask((2, 1), 60), **how, init_scale=0.05).rows() == named
    assert complete_matrix(9, task=MatrixTask((2, 1), 60), **how).rows() != named
    with pytest.raises(TypeError, match="rank"):
        complete_matrix(9, rank=(2, 1))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"observed": 82}, "observed: received 82"),
        ({"first_observed": 61}, "first_observed: received 61"),
        ({"ranks": (2,)}, "ranks"),
        ({"ranks": (10, 1)}, "ranks: received 10"),
        ({"depths": ()}, "depths"),
        ({"removals": (5, 5)}, "removals"),
        ({"onsets": "0"}, "onsets"),
        ({"windows": [(0, 1), (0, 1)]}, "windows"),
        ({"windows": [3]}, "windows: received"),
        ({"recovery": 0}, "recovery: received 0"),
        ({"seeds": (2**32,)}, "seeds"),
        ({"instance": "authors"}, "instance"),
        ({"record_every": 0}, "record_every"),
        ({"init_scale": 0}, "init_scale"),
    ],
)
def test_a_mistake_is_named(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        complete_matrix(9, **{**TINY, **arguments})
