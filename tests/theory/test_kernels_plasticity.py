"""Networks trained from a prior with a deficit's window: priors shared, controls paired, damage real."""

from __future__ import annotations

import pytest
import torch

from critlab.theory.kernels import prior_kernels, xor_task
from critlab.theory.kernels.model import checked_prior
from critlab.theory.kernels.plasticity import (
    DEFICITS,
    Outcome,
    Setting,
    _drawn,
    _trained,
    deprived,
    outputs_of,
    window_outcomes,
)


def setting(window: int = 60, seeds: int = 3, width: int = 32, noise: float = 0.0) -> Setting:
    return Setting(checked_prior(2, 1.0, None, 1.0, 0.05, "erf"), width, 16, 100, window, 60, range(seeds), noise)


def outcomes(posed: Setting) -> dict[tuple[str, str], Outcome]:
    return {(one.deficit, one.arm): one for one in window_outcomes(posed)}


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_no_deficit_leaves_no_damage(noise: float) -> None:
    found = outcomes(setting(window=0, noise=noise))
    for deficit in DEFICITS:
        for arm in ("early", "late"):
            assert torch.equal(found[deficit, arm].test_loss, found["none", arm].test_loss)


@pytest.mark.slow
def test_a_swap_leaves_damage_after_as_much_recovery_and_blur_leaves_a_trace() -> None:
    found = outcomes(setting(seeds=6))
    for arm in ("early", "late"):
        assert float((found["swapped", arm].test_loss - found["none", arm].test_loss).mean()) > 0
        assert float((found["blurred", arm].test_loss - found["none", arm].test_loss).abs().min()) > 1e-4
    assert float(found["none", "late"].train_loss.max()) < 0.5


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_a_seed_is_the_same_in_every_batch(noise: float) -> None:
    few, many = window_outcomes(setting(seeds=1, noise=noise)), window_outcomes(setting(seeds=3, noise=noise))
    for one, other in zip(few, many, strict=True):
        torch.testing.assert_close(one.test_loss[0], other.test_loss[0], rtol=1e-6, atol=1e-9)


@pytest.mark.slow
def test_the_controls_are_one_clean_training() -> None:
    whole = setting()
    shorter = whole._replace(window_steps=30, recovery_steps=90)
    assert torch.equal(outcomes(whole)["none", "early"].test_loss, outcomes(shorter)["none", "early"].test_loss)


def test_blur_keeps_what_neighbours_share_and_swap_moves_the_task() -> None:
    inputs = torch.arange(12, dtype=torch.float64).view(2, 6)
    assert deprived(inputs, "blurred")[0].tolist() == [0.5, 0.5, 2.5, 2.5, 4.5, 4.5]
    assert deprived(inputs, "swapped")[1].tolist() == [8, 9, 6, 7, 10, 11]


def test_langevin_keeps_the_prior_where_the_data_say_nothing() -> None:
    posed = setting(window=400, seeds=4, width=20, noise=1e6)
    weights = _trained(posed, _drawn(posed), torch.zeros(4, 16, 10, dtype=torch.float64), torch.zeros(4, 16),
                       torch.full((4, 1, 1), 0.1, dtype=torch.float64), range(400))  # fmt: skip
    drawn = torch.cat([one.flatten() for one in weights])
    # a step eta makes the variance 1 / (1 - eta / 2)
    assert float(drawn.var()) == pytest.approx(1 / 0.95, abs=0.08)
    assert abs(float(drawn.mean())) < 0.06
    before = torch.cat([one.flatten() for one in _drawn(posed)])
    assert abs(float((before * drawn).mean())) < 0.06


def test_outputs_at_the_start_have_the_priors_kernel() -> None:
    wide = Setting(checked_prior(2, 1.2, None, 0.7, 0.3, "erf"), 60, 4, 4, 1, 1, range(1500), dimension=5)
    inputs, _ = xor_task(4, 5, seed=0)
    found = outputs_of(wide, _drawn(wide), inputs.expand(1500, -1, -1))
    expected = prior_kernels(inputs, depth=2, weight_scale=1.2, readout_scale=0.7, bias_scale=0.3)[-1]
    torch.testing.assert_close(found.T @ found / 1500, expected, rtol=0, atol=0.12)
