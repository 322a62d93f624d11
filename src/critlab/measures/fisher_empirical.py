"""The empirical Fisher information: the trace with the data's labels in place of the model's."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from critlab.measures import FisherEmpiricalOptions
from critlab.measures.estimates import Estimates, readings
from critlab.measures.fisher_sample import random_signs, squared
from critlab.measures.reading import Probe, Reading
from critlab.measures.squared_gradients import squared_gradients
from critlab.measures.weights import Weights, of_labels


def fisher_empirical(
    model: nn.Module, images: Tensor, labels: Tensor, *, generator: torch.Generator, draws: int = 1
) -> Estimates:
    """The mean squared gradient norm of each layer's weights at the given labels, per image, in nats squared.

    ``E_{x, y} || d log p(y|x) / dw ||^2`` over the given images and their labels. It is not the Fisher information,
    though it is often called so: the two agree where the labels are distributed as the model says. On training images
    that the model has learned it falls with the loss, whatever the curvature does; with wrong labels it is large.

    Args:
        model: as for :func:`~critlab.measures.fisher_trace.fisher_trace`; it is left as it was.
        images: ``(N, ...)`` as the model takes them.
        labels: int64 ``(N,)``, or ``(N, heads)`` whose log-probabilities add up; -1 adds nothing.
        generator: source of signs, on any device; it advances.
        draws: draws of signs; where images are few, more are made to estimate the error.

    Returns:
        As :func:`~critlab.measures.fisher_trace.fisher_trace`.

    Raises:
        StudyError: as there, or the labels do not fit the logits.
        Diverged: logits are not finite.

    Error: unbiased, ``stderr`` over signs alone, as the labels are given; else as there.

    Cost: as there.

    Source: definition: Kunstner, Balles and Hennig 2019, who say what it is not; estimator:
    :func:`~critlab.measures.squared_gradients.squared_gradients`.
    """

    scores = _OfGivenLabels(labels, generator)
    return squared_gradients(model, images, scores, generator=generator, draws=draws, measure="fisher_empirical")


class _OfGivenLabels:
    """The log-probability of the labels of an image, with one sign for all of its heads."""

    def __init__(self, labels: Tensor, generator: torch.Generator) -> None:
        self.labels, self.generator = labels, generator

    def sample(self, weights: Weights, log_p: Tensor, place: slice, *, retain: bool) -> Tensor:
        factors, scale = self._factors(log_p.detach(), place)
        signs = random_signs(log_p, (len(log_p), *[1] * (log_p.ndim - 1)), self.generator)
        return squared(weights, log_p, signs * factors, scale, retain=retain)

    def squares(self, log_p: Tensor, place: slice) -> Tensor:
        factors, scale = self._factors(log_p, place)
        return factors.double().square().sum() * scale.square()

    def _factors(self, log_p: Tensor, place: slice) -> tuple[Tensor, Tensor]:
        """The gradient in the logits, in which nothing cancels, and its scale, as of ``coefficients``."""
        labels = self.labels[place].to(log_p.device)
        of_labels(log_p, labels, "fisher_empirical")  # raises where they do not fit
        chosen = labels.clamp(min=0)[..., None]
        others = log_p.scatter(-1, chosen, -torch.inf)
        largest = others.logsumexp(-1).max().nan_to_num(neginf=0.0)
        found = -(others - largest).exp()
        found = found.scatter(-1, chosen, -found.sum(-1, keepdim=True))
        return found * (labels >= 0)[..., None], largest.double().exp()


def measure(model: nn.Module, probe: Probe, options: FisherEmpiricalOptions) -> list[Reading]:
    """The whole (``layer=""``), then each layer; see :func:`fisher_empirical`."""
    found = fisher_empirical(model, probe.images, probe.labels, generator=probe.generator(0), draws=options.draws)
    return list(readings("fisher_empirical", found))
