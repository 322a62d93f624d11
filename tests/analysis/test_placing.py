"""A further point goes where it narrows the closing most: on planted curves it beats an even grid of as many points."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from critlab.analysis.closing import closing_draws
from critlab.analysis.judgement.placing import further_point, known_within
from critlab.study.sweeps.sweep import crossing
from synthetic import synthetic_results

LAST, BUDGET, DEVIATION = 40, 8, 0.5
FIRST = [0, 10, LAST]


def test_the_interval_with_most_uncertainty_is_halved() -> None:
    draws = np.array([2.0, 3.0, 12.0, 13.0, 14.0])
    assert further_point([0, 10, 40], draws) == 25, "three of five draws, and three times as long"
    assert further_point([0, 10, 12, 40], np.full(9, 3.0)) == 5
    assert further_point([0, 10, 11, 40], np.full(9, 10.5)) is None, "no whole epoch is left"
    assert further_point([0, 3, 40], np.full(9, 1.0)) == 1, "at a whole epoch"


def test_a_closing_outside_the_sweep_places_no_point() -> None:
    assert further_point([0, 10, 40], np.array([np.inf, np.nan, np.inf])) is None
    assert further_point([0, 10, 40], np.array([])) is None
    assert further_point([0, 10, 40], np.array([np.inf, 40.0])) == 25, "the last point is within the sweep"


def test_an_interval_between_two_distant_points_is_not_narrow() -> None:
    assert known_within([0, 10, 40], 24.0, 26.0) == 30
    assert known_within([0, 10, 24, 26, 40], 24.0, 26.0) == 2
    assert known_within([0, 1, 2, 3], 0.5, 2.5) == 2.0
    assert known_within([0, 10, 40], 9.0, 11.0) == 30


CURVES: dict[str, Callable[[float], float]] = {
    "early step": lambda epoch: 5.0 * (epoch >= 4),
    "step": lambda epoch: 5.0 * (epoch >= 13),
    "late step": lambda epoch: 5.0 * (epoch >= 33),
    "smooth": lambda epoch: 5.0 / (1 + np.exp(-(epoch - 18) / 4)),
}


def found(
    damage: Callable[[float], float], points: Sequence[int], adaptive: bool, seed: int
) -> tuple[list[int], float]:
    """The points at the end, and the median of the closing's draws."""
    random = np.random.default_rng(seed)
    known = {epoch: damage(epoch) + DEVIATION * float(random.standard_normal()) for epoch in range(LAST + 1)}
    known[0], at = 0.0, [*points]
    while True:
        numbers = np.array([known[epoch] for epoch in at])
        noise = DEVIATION * random.standard_normal((500, len(at))) * (np.array(at) > 0)
        draws = crossing(np.array(at, float), numbers + noise, "up")
        place = further_point(at, draws) if adaptive and len(at) < BUDGET else None
        if place is None:
            return at, float(np.median(draws))
        at = sorted([*at, place])


@pytest.mark.parametrize("name", CURVES)
def test_it_finds_planted_closings_better_than_an_even_grid_of_as_many_points(name: str) -> None:
    damage = CURVES[name]
    epochs = np.arange(LAST + 1.0)
    truth = float(crossing(epochs, np.array([[damage(epoch) for epoch in epochs]]), "up")[0])
    even = [round(epoch) for epoch in np.linspace(0, LAST, BUDGET)]
    errors = {
        adaptive: np.mean([abs(found(damage, points, adaptive, seed)[1] - truth) for seed in range(30)])
        for adaptive, points in ((True, FIRST), (False, even))
    }
    assert errors[True] < errors[False]
    assert errors[True] < 1.5, "epochs, of 40"
    assert len(found(damage, FIRST, True, 0)[0]) <= BUDGET


def test_draws_of_a_curve_are_the_same_each_time() -> None:
    curve = synthetic_results(5, (0, 10, 40), lambda at: 0.06 * (at >= 20)).curve()
    draws = closing_draws(curve)
    assert np.array_equal(draws, closing_draws(curve))
    assert np.nanmedian(draws) == pytest.approx(25.0, abs=3.0)
    assert further_point([0, 10, 40], draws) == 25


def test_draws_without_damage_place_no_point() -> None:
    curve = synthetic_results(5, (0, 10, 40), lambda at: -0.06, noise=0.001).curve()
    assert further_point([0, 10, 40], closing_draws(curve)) is None
