"""One look at a model in training: one forward and one backward pass of a few examples, which leave no trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from critlab.hooks.watch.looks.inputs import Forward, Inputs, chosen, count
from critlab.hooks.watch.looks.refusals import WATCH, neighbours_changed, refuse_dependence
from critlab.hooks.watch.looks.untouched import untouched
from critlab.measures.fisher.sample import fisher_sample
from critlab.measures.likelihoods.head import checked_output
from critlab.measures.likelihoods.likelihood import Likelihood
from critlab.measures.weights.parameter_groups import ParameterGroups


class Sample(NamedTuple):
    """What one look saw.

    Args:
        traces: each layer's Fisher trace, float64 ``(layers,)`` on the CPU, per example, in nats squared.
        uncertainty: mean entropy of the model's answers, in nats: over examples, and over heads or positions.
        outputs: how many numbers the model gives for an example.
    """

    traces: Tensor
    uncertainty: float
    outputs: int


def fisher_snapshot(
    model: nn.Module,
    weights: ParameterGroups,
    inputs: Inputs,
    forward: Forward,
    likelihood: Likelihood,
    *,
    seed: int,
    autocast: torch.dtype | None = None,
) -> Sample:
    """One unbiased sample of each layer's Fisher trace, and how uncertain the model is.

    All labels of an example take part, each head's and each position's, so that a confident model needs no surprise to
    be measured: see :func:`~critlab.measures.fisher.sample.fisher_sample`.

    Args:
        model: in any mode; it is looked at in evaluation mode and left as it was.
        weights: its trainable parameters.
        inputs: the examples.
        forward: gives the output.
        likelihood: of the labels, given the output.
        seed: of the signs.
        autocast: the type in which the forward pass runs; None is the type of the weights.

    Raises:
        StudyError: the likelihood does not understand the output, or the model checkpoints its activations in the
            reentrant way.
        Diverged: the output is not finite.

    Error: unbiased; one sample says nothing about its own error, which comes from many.
    """
    device = weights.owner.device
    generator = torch.Generator(device).manual_seed(seed)
    examples = count(inputs)
    with untouched(model, seed), without_cudnn(model) if device.type == "cuda" else nullcontext():
        with _casting(device, autocast):
            output = forward(model, inputs)
        viewed = checked_output(output, examples, WATCH, likelihood)
        traces = fisher_sample(weights, viewed, generator=generator, likelihood=likelihood)
        uncertainty = _entropy(viewed.detach(), likelihood)
    return Sample(traces.cpu() / examples, uncertainty, viewed[0].numel())


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


def _entropy(output: Tensor, likelihood: Likelihood) -> float:
    each = likelihood.entropy(output)
    if each.ndim > 1:
        kept = (output != 0).any(-1)  # padding has outputs of 0
        each = each[kept] if kept.any() else each
    return float(each.mean())


def _casting(device: torch.device, wanted: torch.dtype | None) -> AbstractContextManager[Any]:
    # a surrounding autocast has copies of weights that may be older than the last step
    if wanted is None:
        return torch.autocast(device.type, enabled=False) if torch.is_autocast_enabled(device.type) else nullcontext()
    return torch.autocast(device.type, dtype=wanted, cache_enabled=False)
