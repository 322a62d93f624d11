"""The empirical Fisher information: the trace with the data's labels in place of the model's."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from critlab.measures import FisherEmpiricalOptions
from critlab.measures.estimates import Estimates, readings
from critlab.measures.reading import Probe, Reading
from critlab.measures.squared_gradients import squared_gradients
from critlab.measures.weights import of_labels


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

    Cost: as there, less the draws of labels.

    Source: definition: Kunstner, Balles and Hennig 2019, who say what it is not; estimator:
    :func:`~critlab.measures.squared_gradients.squared_gradients`.
    """

    def of_given_labels(log_p: Tensor, place: slice) -> Tensor:
        return of_labels(log_p, labels[place], "fisher_empirical").reshape(len(log_p), -1).sum(1)

    return squared_gradients(
        model, images, of_given_labels, generator=generator, draws=draws, measure="fisher_empirical"
    )


def measure(model: nn.Module, probe: Probe, options: FisherEmpiricalOptions) -> list[Reading]:
    """The whole (``layer=""``), then each layer; see :func:`fisher_empirical`."""
    found = fisher_empirical(model, probe.images, probe.labels, generator=probe.generator(0), draws=options.draws)
    return list(readings("fisher_empirical", found))
