"""Networks trained from a prior with a deficit's window: priors shared, controls paired, damage real."""

from __future__ import annotations

import torch

from critlab.kernels import prior_kernels, xor_task
from critlab.kernels.model import checked_prior
from critlab.kernels.plasticity import Setting, _drawn, outputs_of, window_outcomes


def setting(window: int = 60, seeds: int = 3, width: int = 32) -> Setting:
    return Setting(checked_prior(2, 1.0, None, 1.0, 0.05, "erf"), width, 16, 100, window, 60, range(seeds))


def test_no_deficit_leaves_no_damage() -> None:
    found = {one.arm: one for one in window_outcomes(setting(window=0))}
    for window in ("early", "late"):
        assert torch.equal(found[window].test_loss, found[f"{window} control"].test_loss)


def test_a_deficit_leaves_damage_after_as_much_recovery() -> None:
    found = {one.arm: one for one in window_outcomes(setting(seeds=6))}
    for window in ("early", "late"):
        assert float((found[window].test_loss - found[f"{window} control"].test_loss).mean()) > 0
    assert float(found["late control"].train_loss.max()) < 0.5


def test_a_seed_is_the_same_in_every_batch() -> None:
    few, many = window_outcomes(setting(seeds=1)), window_outcomes(setting(seeds=3))
    for one, other in zip(few, many, strict=True):
        torch.testing.assert_close(one.test_loss[0], other.test_loss[0], rtol=1e-6, atol=1e-9)


def test_outputs_at_the_start_have_the_priors_kernel() -> None:
    wide = Setting(checked_prior(2, 1.2, None, 0.7, 0.3, "erf"), 60, 4, 4, 1, 1, range(1500), 5)
    inputs, _ = xor_task(4, 5, seed=0)
    found = outputs_of(wide, _drawn(wide), inputs.expand(1500, -1, -1))
    expected = prior_kernels(inputs, depth=2, weight_scale=1.2, readout_scale=0.7, bias_scale=0.3)[-1]
    torch.testing.assert_close(found.T @ found / 1500, expected, rtol=0, atol=0.12)
