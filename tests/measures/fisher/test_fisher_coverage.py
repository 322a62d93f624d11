"""The stated error of the Fisher trace where training has converged: its interval holds the exact value."""

import sys

import numpy as np
import pytest
import torch
from scipy.stats import binom
from torch import nn

from paths import EVIDENCE

sys.path.insert(0, str(EVIDENCE))

from fisher_coverage import all_labels, drawn_labels, exact

from critlab.measures.estimates import mean_over_images
from critlab.measures.gradients.squared import MOST_MORE, more_draws

READINGS = 80


def confident() -> tuple[nn.Module, torch.Tensor]:
    """A net that has learned its 40 examples of three classes to a loss of about 1e-4."""
    torch.manual_seed(0)
    labels = torch.arange(40) % 3
    inputs = torch.randn(3, 8)[labels] + torch.randn(40, 8) / 2
    model = nn.Sequential(nn.Linear(8, 6), nn.Tanh(), nn.Linear(6, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    for _ in range(500):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(inputs), labels)
        loss.backward()
        optimizer.step()
    assert 1e-6 < loss.item() < 1e-2
    assert (model(inputs).argmax(1) == labels).all()
    return model, inputs


@pytest.mark.slow
def test_a_confident_model_is_read_within_its_error_as_it_was_not_with_drawn_labels() -> None:
    """The bound is the lowest 5 % of what so many readings hold where .95 is the truth."""
    model, inputs = confident()
    truth = exact(model, inputs)
    found = [all_labels(model, inputs, seed) for seed in range(READINGS)]
    for layer, value in truth.items():
        pairs = [one[layer] if layer else one.whole for one in found]
        values, errors = (np.array([getattr(pair, a) for pair in pairs]) for a in ("value", "stderr"))
        assert (abs(values - value) <= 1.96 * errors).sum() >= binom.ppf(0.05, READINGS, 0.95), layer
        assert np.sqrt((errors**2).mean()) <= 1.5 * values.std(ddof=1), f"{layer}: held by being too wide"
        assert abs(values.mean() - value) <= 4 * values.std(ddof=1) / np.sqrt(READINGS), layer
    drawn = [drawn_labels(model, inputs, seed).whole for seed in range(5)]
    assert np.median([one.value for one in drawn]) < truth[""] / 2


@pytest.mark.slow
@pytest.mark.parametrize("groups", [8, 34])
@pytest.mark.parametrize("directions", [1, 4])
@pytest.mark.parametrize("draws", [1, 2])
def test_sums_of_squared_lengths_are_held_by_their_intervals(groups: int, directions: int, draws: int) -> None:
    """2,000 readings: the share that is held is known to half a percent."""
    generator = np.random.default_rng(0)
    drawn = generator.chisquare(directions, (2000, groups, draws)) / directions
    found = [mean_over_images(one, groups) for one in drawn]
    held = np.mean([abs(one.value - 1) <= 1.96 * one.stderr for one in found])
    assert 0.93 <= held <= 0.99


def test_more_draws_go_where_few_groups_carry_the_sum_and_nowhere_else() -> None:
    assert more_draws(np.ones(64)) == [0] * 64
    assert more_draws(np.zeros(64)) == [0] * 64
    assert more_draws(np.array([1e-300, *[0.0] * 63])) == [MOST_MORE, *[1] * 63]
    found = more_draws(np.array([8.0, 4.0, *[0.1] * 62]))
    assert found[0] == pytest.approx(2 * found[1], abs=1)
    assert set(found[2:]) == {1}
    assert sum(found) <= MOST_MORE + 64
