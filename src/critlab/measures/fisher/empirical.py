"""The empirical Fisher information: the trace with the data's labels in place of the model's."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from critlab.measures.components.fisher.fisher_empirical import FisherEmpirical
from critlab.measures.estimates import Estimates, readings
from critlab.measures.fisher.sample import squared
from critlab.measures.gradients.squared import squared_gradients
from critlab.measures.likelihoods import likelihood_of
from critlab.measures.likelihoods.head import checked_labels, fitted_labels
from critlab.measures.likelihoods.likelihood import Likelihood
from critlab.measures.likelihoods.signs import random_signs
from critlab.measures.reading import Probe, Reading
from critlab.measures.weights.parameter_groups import ParameterGroups


def fisher_empirical(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    generator: torch.Generator,
    draws: int = 1,
    likelihood: Likelihood | str = "categorical",
) -> Estimates:
    """The mean squared gradient norm of each layer's weights at the given labels, per image, in nats squared.

    ``E_{x, y} || d log p(y|x) / dw ||^2`` over the given images and their labels. It is not the Fisher information,
    though it is often called so: the two agree where the labels are distributed as the model says. On training images
    that the model has learned it falls with the loss, whatever the curvature does; with wrong labels it is large.

    Args:
        model: as for :func:`~critlab.measures.fisher.trace.fisher_trace`; it is left as it was.
        images: ``(N, ...)`` as the model takes them.
        labels: int64 ``(N,)``, or ``(N, heads)`` whose log-probabilities add up; -1 adds nothing. For other
            likelihoods see :mod:`critlab.measures.likelihoods`.
        generator: source of signs, on any device; it advances.
        draws: draws of signs; where images are few, more are made to estimate the error.
        likelihood: as for :func:`~critlab.measures.fisher.trace.fisher_trace`.

    Returns:
        As :func:`~critlab.measures.fisher.trace.fisher_trace`.

    Raises:
        StudyError: as there, or the labels do not fit the output.
        Diverged: logits are not finite.

    Error: unbiased, ``stderr`` over signs alone, as the labels are given; else as there.

    Cost: as there.

    Source: definition: Kunstner, Balles and Hennig 2019, who say what it is not; estimator:
    :func:`~critlab.measures.gradients.squared.squared_gradients`.
    """

    chosen = likelihood_of(likelihood, "fisher_empirical")
    given = checked_labels(labels, images, "fisher_empirical")

    def scored(output: Tensor, place: slice) -> _OfGivenLabels:
        few = fitted_labels(given[place], output, "fisher_empirical", chosen)
        return _OfGivenLabels(output, few, generator, chosen)

    return squared_gradients(
        model,
        images,
        scored,
        generator=generator,
        draws=draws,
        measure="fisher_empirical",
        likelihood=chosen,
        labels=given,
    )


class _OfGivenLabels:
    """The log-probability of the labels of an image, with one sign for all of them."""

    def __init__(self, output: Tensor, labels: Tensor, generator: torch.Generator, likelihood: Likelihood) -> None:
        self.output, self.generator = output, generator
        self.along, self.scale = likelihood.score(output.detach(), labels)
        self.uncertainty = self.along.double().square().sum() * self.scale
        self.terms = 1

    def sample(self, weights: ParameterGroups, *, retain: bool) -> Tensor:
        signs = random_signs(self.output, (len(self.output), *[1] * (self.output.ndim - 1)), self.generator)
        return squared(weights, self.output, signs * self.along, self.scale, retain=retain)

    def exact(self, weights: ParameterGroups) -> Tensor:
        return squared(weights, self.output, self.along, self.scale, retain=False)


def measure(model: nn.Module, probe: Probe, options: FisherEmpirical) -> list[Reading]:
    """The whole (``layer=""``), then each layer; see :func:`fisher_empirical`."""
    found = fisher_empirical(
        model,
        probe.images,
        probe.labels,
        generator=probe.generator(0),
        draws=options.draws,
        likelihood=options.likelihood or probe.likelihood,
    )
    return list(readings("fisher_empirical", found))
