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

from critlab._core.errors import Diverged
from critlab._core.random_streams import generator
from critlab._core.threads import one_thread
from critlab.theory.kernels.model import Prior, input_kernel
from critlab.theory.kernels.prior import propagated, tangent_kernel
from critlab.theory.kernels.tasks import xor_task

STABLE_SHARE = 0.15
DEFICITS = ("swapped", "blurred")
SWAPPED = (2, 3, 0, 1)
"""Swapped: the two features that carry XOR change places with two that carry noise."""


class Setting(NamedTuple):
    """What is trained.

    Args:
        prior: the network's prior; weights and biases are drawn from it.
        width: N of every hidden layer.
        points: training examples of every network.
        test_points: test examples of every network.
        window_steps: training steps that a deficit lasts.
        recovery_steps: clean steps after it.
        seeds: one network each, with its own examples.
        noise: kappa of Langevin dynamics; 0 is gradient descent without noise and without the prior's pull.
        dimension: D, even, at least 4.
    """

    prior: Prior
    width: int
    points: int
    test_points: int
    window_steps: int
    recovery_steps: int
    seeds: Sequence[int]
    noise: float = 0.0
    dimension: int = 10


class Outcome(NamedTuple):
    """One training at its end, ``(seeds,)`` each.

    Args:
        deficit: "swapped", "blurred", or "none" of the controls.
        arm: "early" or "late" window; of the controls, which one they are the control of.
        test_loss: mean squared error of the test examples, clean.
        test_accuracy: the share of test examples with the right sign.
        train_loss: mean squared error of the training examples, clean.
    """

    deficit: str
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
def window_outcomes(setting: Setting, deficits: Sequence[str] = DEFICITS) -> list[Outcome]:
    """Trains XOR with each deficit early and late, and never; all seeds in one batched computation.

    Full batch, weights z in units of the prior's deviations. Without noise: gradient descent on ``|Y - f|^2 / 2``,
    the step 15 % of the largest that is stable at infinite width (gradient flow, in steps). With noise kappa:
    Langevin dynamics of the posterior, ``z <- z - eta (z + grad |Y - f|^2 / (2 kappa)) + sqrt(2 eta) xi``, the step
    again 15 % of the stable one, so that the data pull as far in a step as they do without noise.

    Early and late windows are of one length and followed by as many clean steps; each has a clean control of equal
    total length from the same weights, with the same xi in the same steps.

    Args:
        setting: prior, sizes, window and seeds.
        deficits: of "swapped" (the features that carry the task change places with two that do not) and "blurred"
            (pairs of neighbouring features are replaced by their mean, as an image at half its resolution: of the
            two features that carry the task, what they differ by is lost).

    Returns:
        The early and the late control, then both windows of each deficit.

    Raises:
        Diverged: the loss is no longer finite.

    Cost: ``2 window + recovery`` steps of all seeds, and for each deficit ``2 (window + recovery)``. Source: ours.
    """
    examples, window = _examples(setting), setting.window_steps
    step = _step(setting, examples)

    def trained(start: list[Tensor], inputs: Tensor, first: int, last: int) -> list[Tensor]:
        return _trained(setting, start, inputs, examples.targets, step, range(first, last))

    clean = {0: _drawn(setting)}
    ends = (window + setting.recovery_steps, 2 * window + setting.recovery_steps)
    for first, last in pairwise(sorted({0, window, 2 * window, *ends})):
        clean[last] = trained(clean[first], examples.inputs, first, last)
    arms = list(zip(("early", "late"), (0, window), ends, strict=True))
    found = [_outcome(setting, "none", arm, clean[end], examples) for arm, _, end in arms]
    for deficit in deficits:
        inputs = deprived(examples.inputs, deficit)
        for arm, start, end in arms:
            deprived_end = trained(clean[start], inputs, start, start + window)
            weights = trained(deprived_end, examples.inputs, start + window, end)
            found.append(_outcome(setting, deficit, arm, weights, examples))
    return found


def deprived(inputs: Tensor, deficit: str) -> Tensor:
    """The inputs ``(..., D)`` under a deficit, see :func:`window_outcomes`."""
    if deficit == "swapped":
        return inputs[..., [*SWAPPED, *range(len(SWAPPED), inputs.shape[-1])]]
    pairs: Tensor = inputs.unflatten(-1, (-1, 2)).mean(-1)
    return pairs.repeat_interleave(2, -1)


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


def _step(setting: Setting, examples: Examples) -> Tensor:
    """Each seed's step, by the largest eigenvalue of its infinite-width tangent kernel, ``(seeds, 1, 1)``."""
    found = []
    for inputs in examples.inputs:
        kernels = propagated(input_kernel(inputs, setting.prior), setting.prior)
        largest = float(torch.linalg.eigvalsh(tangent_kernel(kernels, setting.prior))[-1])
        found.append(STABLE_SHARE * 2 / (1 + largest / setting.noise if setting.noise else largest))
    return torch.tensor(found, dtype=torch.float64)[:, None, None]


def _trained(
    setting: Setting, start: list[Tensor], inputs: Tensor, targets: Tensor, step: Tensor, steps: range
) -> list[Tensor]:
    """The weights after ``steps``, whose numbers key the noise."""
    weights = [one.clone().requires_grad_() for one in start]
    for number in steps:
        loss = (outputs_of(setting, weights, inputs) - targets).square().sum() / 2
        gradients = torch.autograd.grad(loss, weights)
        with torch.no_grad():
            shaken = _noise(setting, weights, number) if setting.noise else None
            for index, (weight, gradient) in enumerate(zip(weights, gradients, strict=True)):
                if shaken is None:
                    weight.sub_(step * gradient)
                else:
                    weight.sub_(step * (weight + gradient / setting.noise)).add_((2 * step).sqrt() * shaken[index])
    if not all(bool(weight.isfinite().all()) for weight in weights):
        raise Diverged(
            f"prior-and-plasticity: weights are no longer finite, step {float(step.max()):.1e}; give a wider network"
        )
    return [weight.detach() for weight in weights]


def _noise(setting: Setting, weights: list[Tensor], number: int) -> list[Tensor]:
    """Standard normal, of the shapes of ``weights``: the same for a seed and step in every arm, prior and batch."""
    sizes = [weight[0].numel() for weight in weights]
    draws = [
        torch.randn(sum(sizes), generator=generator(seed, "measure", 4, number), dtype=torch.float64)
        for seed in setting.seeds
    ]
    parts = torch.stack(draws).split(sizes, 1)
    return [part.view_as(weight) for part, weight in zip(parts, weights, strict=True)]


def _outcome(setting: Setting, deficit: str, arm: str, weights: list[Tensor], examples: Examples) -> Outcome:
    found = outputs_of(setting, weights, examples.test_inputs)
    test_loss = (found - examples.test_targets).square().mean(1)
    right = (found * examples.test_targets > 0).to(found).mean(1)
    train = (outputs_of(setting, weights, examples.inputs) - examples.targets).square().mean(1)
    return Outcome(deficit, arm, test_loss, right, train)
