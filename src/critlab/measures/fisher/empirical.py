"""The empirical Fisher information: the trace with the data's labels in place of the model's."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from critlab.measures.components.fisher_empirical import FisherEmpirical
from critlab.measures.estimates import Estimates, readings
from critlab.measures.fisher.sample import random_signs, squared
from critlab.measures.gradients.squared import squared_gradients
from critlab.measures.reading import Probe, Reading
from critlab.measures.weights.parameter_groups import ParameterGroups, of_labels


def fisher_empirical(
    model: nn.Module, images: Tensor, labels: Tensor, *, generator: torch.Generator, draws: int = 1
) -> Estimates:
    """The mean squared gradient norm of each layer's weights at the given labels, per image, in nats squared.

    ``E_{x, y} || d log p(y|x) / dw ||^2`` over the given images and their labels. It is not the Fisher information,
    though it is often called so: the two agree where the labels are distributed as the model says. On training images
    that the model has learned it falls with the loss, whatever the curvature does; with wrong labels it is large.

    Args:
        model: as for :func:`~critlab.measures.fisher.trace.fisher_trace`; it is left as it was.
        images: ``(N, ...)`` as the model takes them.
        labels: int64 ``(N,)``, or ``(N, heads)`` whose log-probabilities add up; -1 adds nothing.
        generator: source of signs, on any device; it advances.
        draws: draws of signs; where images are few, more are made to estimate the error.

    Returns:
        As :func:`~critlab.measures.fisher.trace.fisher_trace`.

    Raises:
        StudyError: as there, or the labels do not fit the logits.
        Diverged: logits are not finite.

    Error: unbiased, ``stderr`` over signs alone, as the labels are given; else as there.

    Cost: as there.

    Source: definition: Kunstner, Balles and Hennig 2019, who say what it is not; estimator:
    :func:`~critlab.measures.gradients.squared.squared_gradients`.
    """

    return squared_gradients(
        model,
        images,
        lambda logits, place: _OfGivenLabels(logits, labels[place], generator),
        generator=generator,
        draws=draws,
        measure="fisher_empirical",
    )


class _OfGivenLabels:
    """The log-probability of the labels of an image, with one sign for all of its heads."""

    def __init__(self, logits: Tensor, labels: Tensor, generator: torch.Generator) -> None:
        log_p = logits.detach().log_softmax(-1)
        of_labels(log_p, labels, "fisher_empirical")  # raises where they do not fit
        self.logits, self.generator = logits, generator
        chosen = labels.to(log_p.device).clamp(min=0)[..., None]
        others = log_p.scatter(-1, chosen, -torch.inf)
        largest = others.logsumexp(-1).max().nan_to_num(neginf=0.0)
        # the gradient in the logits, in which nothing cancels
        along = -(others - largest).exp()
        along = along.scatter(-1, chosen, -along.sum(-1, keepdim=True))
        self.along, self.scale = along * (labels.to(along.device) >= 0)[..., None], (2 * largest.double()).exp()
        self.uncertainty = self.along.double().square().sum() * self.scale

    def sample(self, weights: ParameterGroups, *, retain: bool) -> Tensor:
        signs = random_signs(self.logits, (len(self.logits), *[1] * (self.logits.ndim - 1)), self.generator)
        return squared(weights, self.logits, signs * self.along, self.scale, retain=retain)


def measure(model: nn.Module, probe: Probe, options: FisherEmpirical) -> list[Reading]:
    """The whole (``layer=""``), then each layer; see :func:`fisher_empirical`."""
    found = fisher_empirical(model, probe.images, probe.labels, generator=probe.generator(0), draws=options.draws)
    return list(readings("fisher_empirical", found))
