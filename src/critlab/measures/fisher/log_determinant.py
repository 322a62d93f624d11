"""The log-determinant of the Fisher information: how many directions of the weights matter, and how much."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from critlab._core.errors import StudyError
from critlab.measures.components.fisher.fisher_log_determinant import FisherLogDeterminant
from critlab.measures.estimates import ROOT
from critlab.measures.fisher.kronecker import kronecker_factors
from critlab.measures.likelihoods import likelihood_of
from critlab.measures.likelihoods.likelihood import Likelihood
from critlab.measures.reading import Probe, Reading
from critlab.measures.spread import INTERVAL


def fisher_log_determinant(
    model: nn.Module,
    images: Tensor,
    *,
    generator: torch.Generator,
    damping: float = 1e-3,
    likelihood: Likelihood | str = "categorical",
    mask: Tensor | None = None,
) -> dict[str, float]:
    """``log det(1 + F / damping)`` of each linear or convolutional layer's Fisher information F, in nats.

    F is singular wherever there are more weights than images times classes, so its own log-determinant does not
    exist. This one is ``log det(F + damping) - d log(damping)`` for d weights: 0 for a layer that matters to no
    answer, and twice the information that the answers give about weights with a normal prior of variance
    ``1 / damping``, in the Gaussian approximation and for one image.

    Args:
        model: gives an output that the likelihood understands, by default logits ``(N, classes)`` or
            ``(N, heads, classes)``; it is left as it was. Evaluation mode.
        images: ``(N, ...)`` as the model takes them.
        generator: of a seed for signs, and for models that draw random numbers even in evaluation mode; it advances.
        damping: in the unit of the Fisher information, nats squared for a squared unit of weight.
        likelihood, mask: as for :func:`~critlab.measures.fisher.trace.fisher_trace`.

    Returns:
        One number for each ``nn.Linear`` and ``nn.Conv2d`` whose weight requires gradients, with its bias where that
        does too; layers that share a weight have one, under the first name. A layer whose weight is also used
        otherwise than by calling it has none, such as attention's ``out_proj``, or a last layer that shares the weight
        of an embedding: what it contributes cannot be seen. Parameters of other modules (BatchNorm, embeddings, the
        model's own) have none, and layers are taken as independent, so the sum is that of the blocks.

    Raises:
        StudyError: no such layer, no such output, no images, or ``damping`` out of range.
        Diverged: logits are not finite.

    Error: up to 128 numbers of an output, classes of all heads together, none from chance: they are summed over. Of
    more, 32 draws of signs take their sum; as the logarithm is concave, the number is then too small, the more so the
    fewer images there are for the outputs of a layer. A reading's ``stderr`` holds this bias and the spread, by the
    jackknife over eight blocks of draws. The Kronecker factors are exact for one linear layer on one image; otherwise
    they take input and output gradient as independent, and positions of a convolution as uncorrelated.

    Cost: a forward pass and as many backward passes as numbers of the output for each image; then the eigenvalues of
    each factor, beyond 128 numbers nine times those of the outputs'.
    Measured at 256 images, 10 classes, All-CNN of width 24, 28 x 28, one thread: 0.26 of a training epoch of 10,000
    images.

    Source: Martens and Grosse 2015, Grosse and Martens 2016; as a measure of information in weights: Achille and
    Soatto 2018.
    """
    chosen = likelihood_of(likelihood, "fisher_log_determinant")
    found = _log_determinants(model, images, generator=generator, damping=damping, likelihood=chosen, mask=mask)
    return {layer: values[0] for layer, values in found.items()}


def measure(model: nn.Module, probe: Probe, options: FisherLogDeterminant) -> list[Reading]:
    """The sum (``layer=""``), then each layer; see :func:`fisher_log_determinant`."""
    likelihood = likelihood_of(options.likelihood or probe.likelihood, "fisher_log_determinant")
    found = _log_determinants(
        model,
        probe.images,
        generator=probe.generator(0),
        damping=options.damping,
        likelihood=likelihood,
        mask=likelihood.mask(probe.labels),
    )
    quantity = "fisher_log_determinant"
    whole = [math.fsum(values) for values in zip(*found.values(), strict=True)]
    layers = [(layer or ROOT, values) for layer, values in found.items()]
    return [Reading(quantity, layer, values[0], jackknife_error(values)) for layer, values in [("", whole), *layers]]


def jackknife_error(values: Sequence[float]) -> float:
    """The root of variance plus squared bias of ``values[0]``; the variance larger by Student's t for its few blocks.

    Args:
        values: the value, then the same without each of the blocks that it was computed from; 0 without blocks.

    Source: Quenouille 1949, Tukey 1958.
    """
    value, *without = values
    if not without:
        return 0.0
    others, mean = len(without) - 1, math.fsum(without) / len(without)
    deviation = math.sqrt(others / len(without) * math.fsum((one - mean) ** 2 for one in without))
    from scipy.special import stdtrit

    return math.hypot(deviation * float(stdtrit(others, 0.975)) / INTERVAL, others * (mean - value))


def _log_determinants(
    model: nn.Module,
    images: Tensor,
    *,
    generator: torch.Generator,
    damping: float,
    likelihood: Likelihood,
    mask: Tensor | None,
) -> dict[str, list[float]]:
    """Each layer's number, then those without each block of draws."""
    if len(images) < 1 or not 0 < damping < math.inf:
        raise StudyError(
            f"fisher_log_determinant: received {len(images)} images and damping {damping}; "
            "images must be at least 1, damping above 0 and finite"
        )
    seed = int(torch.randint(2**62, (), generator=generator, device=generator.device))
    factors = kronecker_factors(
        model, images, seed=seed, measure="fisher_log_determinant", likelihood=likelihood, mask=mask
    )
    if not factors:
        raise StudyError(
            "fisher_log_determinant: model: has no nn.Linear or nn.Conv2d that requires gradients and whose weight is "
            "used by calling it alone; omit it"
        )
    return {
        layer: [_log_determinant(products, damping) for products in (one.eigenvalues(), *one.leave_one_out())]
        for layer, one in factors.items()
    }


def _log_determinant(eigenvalues: Tensor, damping: float) -> float:
    return float((eigenvalues / damping).log1p().sum())
