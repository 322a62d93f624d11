"""One look at a model in training: one forward and one backward pass of a few examples, which leave no trace."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from critlab.errors import StudyError
from critlab.hooks.watch.looks.inputs import Forward, Inputs, count
from critlab.measures.undisturbed import undisturbed
from critlab.measures.weights import Weights, log_probabilities

WATCH = "watch"
"""How messages begin."""


class Sample(NamedTuple):
    """What one look saw.

    Args:
        traces: each layer's Fisher trace, float64 ``(layers,)`` on the CPU, per example, in nats squared.
        uncertainty: mean entropy of the model's answers, in nats: over examples, and over heads or positions.
        logits: how many an example has.
    """

    traces: Tensor
    uncertainty: float
    logits: int


def look(
    model: nn.Module,
    weights: Weights,
    inputs: Inputs,
    forward: Forward,
    *,
    seed: int,
    autocast: torch.dtype | None = None,
    first: bool = False,
) -> Sample:
    """One unbiased sample of each layer's Fisher trace, and how uncertain the model is.

    Labels are drawn from the model, one for each example and head (of a language model: one for each position), and
    for random signs s ``E || sum_i s_i g_i ||^2 / N`` is the mean squared gradient norm.

    Args:
        model: in any mode; it is looked at in evaluation mode and left as it was.
        weights: its trainable parameters.
        inputs: the examples.
        forward: gives the logits.
        seed: of labels and signs.
        autocast: the type in which the forward pass runs; None is the type of the weights.
        first: whether to check the graph, whose form stays the same.

    Raises:
        StudyError: the model gives no such logits, or checkpoints its activations in the reentrant way.
        Diverged: the logits are not finite.

    Error: unbiased; one sample says nothing about its own error, which comes from many.
    """
    device = weights.owner.device
    generator = torch.Generator(device).manual_seed(seed)
    examples = count(inputs)
    with undisturbed(model, seed):
        with _casting(device, autocast):
            logits = forward(model, inputs)
        log_p = log_probabilities(logits, examples, WATCH)
        p = log_p.detach().exp().flatten(0, -2)
        labels = torch.multinomial(p, 1, generator=generator).reshape(*log_p.shape[:-1], 1)
        signs = torch.randint(2, (examples,), generator=generator, device=device) * 2 - 1
        scores = log_p.gather(-1, labels).flatten(1).sum(1)
        if first:
            _refuse_reentrant(scores)
        norms = weights.squared_norms(weights.gradients((signs.to(scores) * scores).sum()))
        # an answer that is ruled out has no share in the entropy, although its logarithm is infinite
        entropy = -(p * log_p.detach().flatten(0, -2).clamp(min=torch.finfo(log_p.dtype).min)).sum(-1).mean()
    return Sample(norms.cpu() / examples, float(entropy), logits[0].numel())


def _casting(device: torch.device, wanted: torch.dtype | None) -> AbstractContextManager[Any]:
    # a surrounding autocast has copies of weights that may be older than the last step
    if wanted is None:
        return torch.autocast(device.type, enabled=False) if torch.is_autocast_enabled(device.type) else nullcontext()
    return torch.autocast(device.type, dtype=wanted, cache_enabled=False)


def _refuse_reentrant(value: Tensor) -> None:
    """Raises where a gradient with respect to chosen weights would silently leave out what is checkpointed."""
    left, seen = [value.grad_fn], set()
    while left:
        node = left.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if type(node).__name__ == "CheckpointFunctionBackward":
            raise StudyError(
                "watch: model: it checkpoints its activations in the reentrant way, which only a whole backward pass "
                "can follow; use torch.utils.checkpoint.checkpoint(..., use_reentrant=False)"
            )
        left += [following for following, _ in node.next_functions]
