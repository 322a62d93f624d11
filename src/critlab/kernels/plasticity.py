"""Does a temporary deficit leave less damage in a prior far from criticality? Networks trained from priors.

"Critical" here is the edge of chaos of the prior (susceptibility 1); the deficit's window is the developmental side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from critlab.errors import Diverged
from critlab.kernels.model import Prior, input_kernel
from critlab.kernels.prior import propagated, tangent_kernel
from critlab.kernels.tasks import xor_task
from critlab.randomness import generator
from critlab.threads import one_thread

STABLE_SHARE = 0.15
SWAPPED = (2, 3, 0, 1)
"""During the deficit the two features that carry XOR change places with two that carry noise."""


class Setting(NamedTuple):
    """What is trained.

    Args:
        prior: the network's prior; weights and biases are drawn from it.
        width: N of every hidden layer.
        points: training examples of every network.
        test_points: test examples of every network.
        window_steps: steps of gradient descent that a deficit lasts.
        recovery_steps: clean steps after it.
        seeds: one network each, with its own examples.
        dimension: D, at least 4.
    """

    prior: Prior
    width: int
    points: int
    test_points: int
    window_steps: int
    recovery_steps: int
    seeds: Sequence[int]
    dimension: int = 10


class Outcome(NamedTuple):
    """One training at its end, ``(seeds,)`` each.

    Args:
        arm: "early" or "late" deficit, or the control of as many steps: "early control", "late control".
        test_loss: mean squared error of the test examples, clean.
        test_accuracy: the share of test examples with the right sign.
        train_loss: mean squared error of the training examples, clean.
    """

    arm: str
    test_loss: Tensor
    test_accuracy: Tensor
    train_loss: Tensor


class Examples(NamedTuple):
    """Training and test examples: inputs ``(seeds, P, D)``, targets ``(seeds, P)``."""

    inputs: Tensor
    targets: Tensor
    test_inputs: Tensor
    test_targets: Tensor


@one_thread()
def window_outcomes(setting: Setting) -> list[Outcome]:
    """Trains XOR with a deficit early, late or never; all seeds in one batched computation.

    Full-batch gradient descent on ``|Y - f|^2 / 2`` in units of the prior's deviations (the step 15 % of the largest
    that is stable at infinite width: gradient flow, in steps). Both deficits last as long and are followed by as
    many clean steps; each has a clean control of equal total length, with the same weights at the start.

    Args:
        setting: prior, sizes, window and seeds.

    Returns:
        Early deficit, its control, late deficit, its control.

    Raises:
        Diverged: the loss is no longer finite.

    Cost: ``3 window + 2 recovery`` steps of all seeds, and once more ``window``. Source: ours.
    """
    examples = _examples(setting)
    weights = _drawn(setting)
    step = STABLE_SHARE * 2 / _largest(setting, examples)
    swapped = examples.inputs[..., [*SWAPPED, *range(4, setting.dimension)]]

    def trained(start: list[Tensor], inputs: Tensor, steps: int) -> list[Tensor]:
        return _descended(setting, start, inputs, examples.targets, step, steps)

    window, recovery = setting.window_steps, setting.recovery_steps
    clean = trained(weights, examples.inputs, window)
    early = trained(trained(weights, swapped, window), examples.inputs, recovery)
    late = trained(trained(clean, swapped, window), examples.inputs, recovery)
    early_control = trained(clean, examples.inputs, recovery)
    late_control = trained(trained(clean, examples.inputs, window), examples.inputs, recovery)
    ends = {"early": early, "early control": early_control, "late": late, "late control": late_control}
    return [_outcome(setting, arm, found, examples) for arm, found in ends.items()]


def outputs_of(setting: Setting, weights: list[Tensor], inputs: Tensor) -> Tensor:
    """f of ``(seeds, P, D)``: ``(seeds, P)``; ``weights`` alternate weight and bias in units of prior deviations."""
    prior, offset = setting.prior, math.sqrt(setting.prior.bias)
    value = inputs
    for layer, scale in enumerate(prior.scales):
        weight, bias = weights[2 * layer], weights[2 * layer + 1]
        hidden = math.sqrt(scale / value.shape[-1]) * value @ weight + offset * bias
        value = hidden if layer == prior.depth else prior.activation.value(hidden)
    return value[..., 0]


def _examples(setting: Setting) -> Examples:
    parts = []
    for seed in setting.seeds:
        inputs, targets = xor_task(setting.points + setting.test_points, setting.dimension, seed=seed)
        parts.append((inputs, targets))
    inputs, targets = torch.stack([one for one, _ in parts]), torch.stack([one for _, one in parts])
    cut = setting.points
    return Examples(inputs[:, :cut], targets[:, :cut], inputs[:, cut:], targets[:, cut:])


def _drawn(setting: Setting) -> list[Tensor]:
    """Weights and biases of every layer, standard normal; the same for every prior of the same sizes."""
    sizes = [setting.dimension, *[setting.width] * setting.prior.depth, 1]
    draws = [generator(seed, "init") for seed in setting.seeds]
    found = []
    for rows, columns in pairwise(sizes):
        for shape in ((rows, columns), (1, columns)):
            found.append(torch.stack([torch.randn(*shape, generator=one, dtype=torch.float64) for one in draws]))
    return found


def _largest(setting: Setting, examples: Examples) -> Tensor:
    """The largest eigenvalue of each seed's infinite-width tangent kernel, ``(seeds, 1, 1)``."""
    found = []
    for inputs in examples.inputs:
        kernels = propagated(input_kernel(inputs, setting.prior), setting.prior)
        found.append(float(torch.linalg.eigvalsh(tangent_kernel(kernels, setting.prior))[-1]))
    return torch.tensor(found, dtype=torch.float64)[:, None, None]


def _descended(
    setting: Setting, start: list[Tensor], inputs: Tensor, targets: Tensor, step: Tensor, steps: int
) -> list[Tensor]:
    weights = [one.clone().requires_grad_() for one in start]
    for _ in range(steps):
        loss = (outputs_of(setting, weights, inputs) - targets).square().sum() / 2
        gradients = torch.autograd.grad(loss, weights)
        with torch.no_grad():
            for weight, gradient in zip(weights, gradients, strict=True):
                weight.sub_(step * gradient)
    if not all(bool(weight.isfinite().all()) for weight in weights):
        raise Diverged(
            f"prior-and-plasticity: weights are no longer finite, step {float(step.max()):.1e}; give a wider network"
        )
    return [weight.detach() for weight in weights]


def _outcome(setting: Setting, arm: str, weights: list[Tensor], examples: Examples) -> Outcome:
    found = outputs_of(setting, weights, examples.test_inputs)
    test_loss = (found - examples.test_targets).square().mean(1)
    right = (found * examples.test_targets > 0).to(found).mean(1)
    train = (outputs_of(setting, weights, examples.inputs) - examples.targets).square().mean(1)
    return Outcome(arm, test_loss, right, train)
