"""The trace of the Fisher information: how much the answers depend on the weights, layer by layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from critlab._core.errors import StudyError
from critlab.measures.components.fisher_trace import FisherTrace
from critlab.measures.estimates import Estimates, readings
from critlab.measures.fisher.sample import Combinations, squared
from critlab.measures.gradients.squared import LARGEST_COARSE_GROUP, LARGEST_GROUP, squared_gradients
from critlab.measures.reading import Probe, Reading
from critlab.measures.weights.parameter_groups import ParameterGroups


def fisher_trace(
    model: nn.Module, images: Tensor, *, generator: torch.Generator, draws: int = 1, group: int = LARGEST_GROUP
) -> Estimates:
    """The trace of the Fisher information of each layer's weights, per image, in nats squared.

    ``tr F = E_x E_{y ~ p(y|x)} || d log p(y|x) / dw ||^2``, with x over the given images, y from the model
    itself, and the model in evaluation mode. The expectation over y is exact: labels are not drawn, every one takes
    part in every backward pass with a random sign. So a model that has become sure of its answers is measured as well
    as one that has not.

    Args:
        model: gives logits ``(N, classes)``, or ``(N, heads, classes)`` for independent labels whose
            log-probabilities add up. Parameters, gradients, buffers and modes stay as they are.
        images: ``(N, ...)`` of any dtype, as the model takes them (normalised; token numbers for embeddings).
        generator: source of signs, on any device; it advances. Its state decides the result.
        draws: of signs for each image; where images are few, or few of them carry the trace, more are made to estimate
            the error.
        group: images of one pass, at most; larger ones cost less and have a larger error.

    Returns:
        One estimate for each module that directly owns parameters that require gradients, under its name in
        ``model.named_modules()`` (the model itself is ``""``); a shared parameter counts once, under its
        first name. :func:`~critlab.measures.estimates.total` gives the whole.

    Raises:
        StudyError: ``model`` is no module, has nothing to differentiate, or gives no such logits; or there
            are no images or draws, or groups of none.
        Diverged: logits are not finite.

    Error: unbiased. ``stderr`` is over signs for the given images, and such that ``value +- 1.96 stderr`` is an
    interval of 95 %: the standard deviation of the value, made larger for the degrees of freedom that it rests on.
    With one draw for each group it also holds how much groups of images differ, and so is too large rather than too
    small: up to three times for an untrained model of two classes. How often such intervals hold the exact value
    through a training: ``evidence/fisher_coverage.py``.

    Cost: one forward pass and ``draws`` backward passes for each image, in groups of at most 16; at least 34
    backward passes in all. Where few images carry the trace, about 128 passes more, one for each group at least.
    Measured at 1,024 images and one draw, All-CNN of width 24, 28 x 28, one thread: 0.09 of a training epoch of 10,000
    images. In bfloat16, groups of 32: see ``docs/speed.md``.

    Source: definition: Achille, Rovere and Soatto 2019, section 3; estimator:
    :func:`~critlab.measures.fisher.sample.fisher_sample`.
    """

    if group < 1:
        raise StudyError(f"fisher_trace: group: received {group}; must be at least 1")
    return squared_gradients(
        model,
        images,
        lambda logits, place: _OfAllLabels(logits, generator),
        generator=generator,
        draws=draws,
        measure="fisher_trace",
        largest=group,
    )


class _OfAllLabels:
    """Every label takes part, weighed by the root of its probability."""

    def __init__(self, logits: Tensor, generator: torch.Generator) -> None:
        self.logits, self.generator, self.combinations = logits, generator, Combinations(logits.detach())
        self.uncertainty = self.combinations.uncertainty

    def sample(self, weights: ParameterGroups, *, retain: bool) -> Tensor:
        along = self.combinations.drawn(self.generator)
        return squared(weights, self.logits, along, self.uncertainty, retain=retain)


def measure(model: nn.Module, probe: Probe, options: FisherTrace) -> list[Reading]:
    """The whole (``layer=""``), then each layer; parameters of the model itself are layer ``"(root)"``.

    Args:
        model: the network in any mode.
        probe: its images are used, all of them; its labels are not. The passes run in the precision of training,
            what is squared and summed in float64.
        options: the number of draws; which images are in the probe is the caller's affair.

    Raises, error and cost: see :func:`fisher_trace`. Computed in bfloat16 the value is within its ``stderr`` of the one
    computed in float32 of the same weights.
    """
    group = LARGEST_COARSE_GROUP if probe.coarse else LARGEST_GROUP
    with probe.as_trained():
        found = fisher_trace(model, probe.images, generator=probe.generator(0), draws=options.draws, group=group)
    return list(readings("fisher_trace", found))
