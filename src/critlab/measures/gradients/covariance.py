"""The covariance of gradients: how much the images disagree about where the weights should go."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from critlab._core.estimate import Estimate
from critlab.measures.estimates import Estimates, readings
from critlab.measures.gradients.sample import GradientSample, gradient_sample
from critlab.measures.measure import BatchMeasure
from critlab.measures.reading import Probe, Reading


@dataclass(frozen=True)
class GradientCovariance:
    """The covariance K of the gradients of single images, in nats squared.

    Args:
        trace: ``tr K``, layer by layer; :func:`~critlab.measures.estimates.total` gives the whole.
        top: the largest eigenvalue of the sample's K, of the whole.
    """

    trace: Estimates
    top: Estimate


def gradient_covariance(
    model: nn.Module, images: Tensor, labels: Tensor, *, generator: torch.Generator, batch: int = 32
) -> GradientCovariance:
    """Trace and largest eigenvalue of the covariance of the loss gradient over images.

    From B disjoint mini-batches of n images with gradients ``g_b`` and their mean g:
    ``K = n / (B - 1) * sum_b (g_b - g)(g_b - g)^T``. The covariance of the gradient of a mini-batch of m images is
    ``K / m``.

    Args:
        model: gives logits ``(N, classes)`` or ``(N, heads, classes)``; it is left as it was. Evaluation mode.
        images: ``(N, ...)`` as the model takes them, at least ``3 * batch``.
        labels: int64 ``(N,)`` or ``(N, heads)``; the loss is the mean over those that are not -1.
        generator: source of the mini-batches; it advances.
        batch: n. More mini-batches make K better known: with 1, each image counts for itself.

    Raises:
        StudyError: fewer than three mini-batches, nothing to differentiate, no such logits, or labels that do not fit.
        Diverged: logits are not finite.

    Error: the trace is unbiased, for images drawn independently and, over the random mini-batches, for the given ones
    with N - 1 in the denominator (where no label is -1). Its ``stderr`` is over mini-batches, from the spread of their
    squared deviations: right to the order of 1 / B. The eigenvalue is that of the sample, too large and never below
    ``trace / (B - 1)``; only well above that does it say something. Its ``stderr`` is the jackknife's.

    Cost: one forward and one backward pass for each image; memory for B times the parameters. Measured at 1,024 images,
    All-CNN of width 24, 28 x 28, one thread: 0.11 of a training epoch of 10,000 images.

    Source: Jastrzebski et al. 2020, who take the covariance of mini-batches through the same Gram matrix; scaling to
    single images and errors: ours.
    """
    sample = gradient_sample(model, images, labels, batch=batch, generator=generator, measure="gradient_covariance")
    count = sample.batches
    squares = batch * count / (count - 1) * np.diagonal(sample.deviations(), axis1=1, axis2=2)
    trace = Estimates(dict(zip(sample.layers, squares[:, :, None], strict=True)), count)
    return GradientCovariance(trace, _top(sample.whole()))


def _top(sample: GradientSample) -> Estimate:
    others = [_largest(sample.without(batch)) for batch in range(sample.batches)]
    return Estimate(_largest(sample), float(np.sqrt((sample.batches - 1) * np.var(others))))


def _largest(sample: GradientSample) -> float:
    gram = sample.deviations()[0]
    return float(sample.batch / (sample.batches - 1) * np.linalg.eigvalsh(gram)[-1])


def measure(model: nn.Module, probe: Probe, options: BatchMeasure) -> list[Reading]:
    """``gradient_covariance``, the whole and each layer; ``gradient_covariance_top``, the whole.

    See :func:`gradient_covariance`.
    """
    found = gradient_covariance(model, probe.images, probe.labels, generator=probe.generator(0), batch=options.batch)
    top = Reading("gradient_covariance_top", "", found.top.value, found.top.stderr)
    return [*readings("gradient_covariance", found.trace), top]
