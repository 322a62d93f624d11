"""One look at a model in training: one forward and one backward pass of a few examples, which leave no trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from critlab.hooks.watch.looks.inputs import Forward, Inputs, chosen, count
from critlab.hooks.watch.looks.refusals import WATCH, neighbours_changed, refuse_dependence, refuse_logits
from critlab.hooks.watch.looks.untouched import untouched
from critlab.measures.fisher.sample import fisher_sample
from critlab.measures.weights.parameter_groups import ParameterGroups, checked_logits


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


def fisher_snapshot(
    model: nn.Module,
    weights: ParameterGroups,
    inputs: Inputs,
    forward: Forward,
    *,
    seed: int,
    autocast: torch.dtype | None = None,
    first: bool = False,
) -> Sample:
    """One unbiased sample of each layer's Fisher trace, and how uncertain the model is.

    All labels of an example take part, each head's and each position's, so that a confident model needs no surprise to
    be measured: see :func:`~critlab.measures.fisher.sample.fisher_sample`.

    Args:
        model: in any mode; it is looked at in evaluation mode and left as it was.
        weights: its trainable parameters.
        inputs: the examples.
        forward: gives the logits.
        seed: of the signs.
        autocast: the type in which the forward pass runs; None is the type of the weights.
        first: whether to check how many classes there are.

    Raises:
        StudyError: the model gives no such logits, or checkpoints its activations in the reentrant way.
        Diverged: the logits are not finite.

    Error: unbiased; one sample says nothing about its own error, which comes from many.
    """
    device = weights.owner.device
    generator = torch.Generator(device).manual_seed(seed)
    examples = count(inputs)
    with untouched(model, seed), without_cudnn(model) if device.type == "cuda" else nullcontext():
        with _casting(device, autocast):
            output = forward(model, inputs)
        logits = checked_logits(output, examples, WATCH)
        if first:
            refuse_logits(output)
        traces = fisher_sample(weights, logits, generator=generator)
        uncertainty = _entropy(logits.detach())
    return Sample(traces.cpu() / examples, uncertainty, logits[0].numel())


def rehearse(
    model: nn.Module, inputs: Inputs, forward: Forward, *, device: torch.device, autocast: torch.dtype | None = None
) -> None:
    """Raises where the answers of an example depend on the others in its batch.

    A model that draws random numbers even in evaluation mode gives other answers each time, and cannot be asked.

    Args:
        model, inputs, forward, autocast: as of :func:`fisher_snapshot`.
        device: of the weights.

    Raises:
        StudyError: they do.
    """
    examples = count(inputs)
    if examples < 2:
        return
    one, other = neighbours_changed(examples)

    def answer(places: Tensor, seed: int) -> Tensor:
        with untouched(model, seed), torch.no_grad(), _casting(device, autocast):
            return forward(model, chosen(inputs, places))

    first = answer(one, 0)
    if torch.equal(first, answer(one, 1)):
        refuse_dependence(first[1], answer(other, 0)[1])


@contextmanager
def without_cudnn(model: nn.Module) -> Iterator[None]:
    """Recurrent layers on a GPU: cuDNN follows their gradient in training mode alone."""
    recurrent = torch.backends.cudnn.enabled and any(isinstance(module, nn.RNNBase) for module in model.modules())
    with torch.backends.cudnn.flags(enabled=False) if recurrent else nullcontext():
        yield


def _entropy(logits: Tensor) -> float:
    log_p = logits.log_softmax(-1)
    # an answer that is ruled out has no share in the entropy, although its logarithm is infinite
    each = -(log_p.exp() * log_p.clamp(min=torch.finfo(log_p.dtype).min)).sum(-1)
    if each.ndim > 1:
        kept = (logits != 0).any(-1)  # padding has logits of 0
        each = each[kept] if kept.any() else each
    return float(each.mean())


def _casting(device: torch.device, wanted: torch.dtype | None) -> AbstractContextManager[Any]:
    # a surrounding autocast has copies of weights that may be older than the last step
    if wanted is None:
        return torch.autocast(device.type, enabled=False) if torch.is_autocast_enabled(device.type) else nullcontext()
    return torch.autocast(device.type, dtype=wanted, cache_enabled=False)
