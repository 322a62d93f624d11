"""The closing: refused from too few damaged points, its bias and grid, and coverage on curves of four shapes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from critlab.analysis.closing import FEWEST_DAMAGED, closing, closing_draws, complete_seeds, damaged_points
from critlab.analysis.statistics.half_maximum import HalfMaximum, damaged, half_maximum, mean_draws
from critlab.analysis.tables.table import Status
from critlab.study.sweeps.sweep import crossing
from synthetic import synthetic_results, synthetic_study

Array = NDArray[np.float64]
AT = np.array([0.0, 4, 8, 12, 16, 20, 28, 40])
SHAPES = {
    "step": np.where(AT >= 12, 5.0, 0.0),
    "smooth": 5 * (1 - np.exp(-AT / 10)),
    "plateau": np.array([0.0, 1, 3, 5, 5, 5, 5, 5]),
    "late": np.array([0.0, 0, 0, 0, 0, 2, 4, 5]),
}


def removal(at: Array, means: Array) -> Array:
    found: Array = crossing(at, means, "up")
    return found


def studies(shape: str, seeds: int, count: int = 200) -> Array:
    """Damages ``(studies, points, seeds)``, in points of accuracy; a run has a deviation of 1."""
    random = np.random.default_rng([seeds, len(shape)])
    newborn, deprived = random.standard_normal((count, 1, seeds)), random.standard_normal((count, AT.size - 1, seeds))
    damages = newborn - deprived + SHAPES[shape][1:, None]
    return np.concatenate([np.zeros((count, 1, seeds)), damages], axis=1)


def crossings(damages: Array, draws: int = 400) -> HalfMaximum:
    drawn = mean_draws(damages, draws, np.random.default_rng(0))
    return half_maximum(AT, damages.mean(-1), drawn, removal)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seeds", [3, 5])
def test_the_interval_holds_the_crossing_of_the_true_curve(shape: str, seeds: int) -> None:
    damages = studies(shape, seeds)
    kept = damaged(damages) >= FEWEST_DAMAGED
    found, truth = crossings(damages), removal(AT, SHAPES[shape])
    held = ((found.low <= truth) & (truth <= found.high))[kept]
    assert held.mean() >= 0.93 - 2 * math.sqrt(0.05 * 0.95 / held.size)


def test_the_bias_of_a_plateau_is_reduced() -> None:
    found, truth = crossings(studies("plateau", 5)), removal(AT, SHAPES["plateau"])
    assert abs(np.mean(found.epoch) - truth) < 0.8 * abs(np.mean(found.plain) - truth)


def test_draws_have_the_spread_of_means_over_studies() -> None:
    damages = studies("smooth", 20, 400)
    drawn = mean_draws(damages[:40], 200, np.random.default_rng(0))
    over_studies = np.cov(damages.mean(-1)[:, 1:].T)
    of_draws = np.mean([np.cov(one[:, 1:].T) for one in drawn], axis=0)
    assert np.diag(of_draws).mean() == pytest.approx(np.diag(over_studies).mean(), rel=0.2)
    assert of_draws[0, 3] == pytest.approx(over_studies[0, 3], rel=0.5)
    assert (drawn[..., 0] == 0).all()


def test_a_closing_needs_three_damaged_points() -> None:
    late = synthetic_results(at=(5, 10, 20, 40), damage=lambda at: 0.05 * (at >= 20), noise=0.002).curve()
    assert damaged_points(late) == 2
    assert closing(late) is None
    assert closing(synthetic_results(noise=0.2, seeds=(0, 1, 2)).curve()) is None
    assert closing(synthetic_results(seeds=(0, 1), noise=0.001).curve()) is None


def test_points_count_with_the_seeds_that_they_have_and_a_closing_needs_three_with_all() -> None:
    """Each point lacks another seed: all are damaged, and no closing can be read."""
    points = (5, 10, 20, 40)
    gone: dict[str, Status] = {
        run.identifier(points.index(run.at)): "diverged"
        for run in synthetic_study(at=points).runs
        if run.role == "deficit"
    }
    results = synthetic_results(at=points, status=gone, noise=0.002)
    assert complete_seeds(results.curve()) == 1
    assert damaged_points(results.curve()) == 4
    assert closing(results.curve()) is None
    expected = "No closing epoch is given: it needs 3 seeds that have every point, and the sweep has 1."
    assert expected in results.verdict().lines()
    some: dict[str, Status] = dict.fromkeys([*gone][:2], "diverged")
    assert closing(synthetic_results(at=points, status=some, noise=0.002).curve()) is not None


def test_a_closing_says_between_which_points_it_lies() -> None:
    found = closing(synthetic_results(at=(5, 10, 20, 40), damage=lambda at: 0.05 * (at >= 10), noise=0.002).curve())
    assert found is not None
    assert found.between == (5, 10)
    assert found.low is not None
    assert found.high is not None
    assert 5 < found.low < found.epoch < found.high < 10


def test_the_closing_depends_on_the_seeds_alone() -> None:
    curve = synthetic_results(noise=0.01).curve()
    assert closing(curve) == closing(curve)
    assert (closing_draws(curve) == closing_draws(curve)).all()
    wide = closing(curve, image_variance=0.01**2)
    found = closing(curve)
    assert found is not None
    assert wide is not None
    assert (wide.high or math.inf) - (wide.low or 0) > (found.high or 0) - (found.low or 0)
