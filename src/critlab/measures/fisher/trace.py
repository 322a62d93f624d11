"""The trace of the Fisher information: how much the answers depend on the weights, layer by layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from critlab._core.errors import StudyError
from critlab.measures.components.fisher.fisher_trace import FisherTrace
from critlab.measures.estimates import Estimates, readings
from critlab.measures.fisher.sample import squared
from critlab.measures.gradients.squared import LARGEST_COARSE_GROUP, LARGEST_GROUP, squared_gradients
from critlab.measures.likelihoods import likelihood_of
from critlab.measures.likelihoods.head import checked_mask, fitted_mask
from critlab.measures.likelihoods.likelihood import Likelihood
from critlab.measures.reading import Probe, Reading
from critlab.measures.weights.parameter_groups import ParameterGroups


def fisher_trace(
    model: nn.Module,
    images: Tensor,
    *,
    generator: torch.Generator,
    draws: int = 1,
    group: int = LARGEST_GROUP,
    likelihood: Likelihood | str = "categorical",
    mask: Tensor | None = None,
) -> Estimates:
    """The trace of the Fisher information of each layer's weights, per image, in nats squared.

    ``tr F = E_x E_{y ~ p(y|x)} || d log p(y|x) / dw ||^2``, with x over the given images, y from the model
    itself, and the model in evaluation mode. The expectation over y is exact: labels are not drawn, every one takes
    part in every backward pass with a random sign. So a model that has become sure of its answers is measured as well
    as one that has not.

    For a Bernoulli variable with logit z and probability p it is ``E_x[p (1 - p) |dz/dw|^2]``, for a Gaussian one with
    mean z and variance v ``E_x[|dz/dw|^2] / v``; over several outputs or positions the sum, whose cross terms have
    mean zero (:class:`~critlab.measures.likelihoods.categorical_per_position.CategoricalPerPosition`).

    Args:
        model: gives an output that the likelihood understands: by default logits ``(N, classes)``, or
            ``(N, heads, classes)`` for independent labels whose log-probabilities add up. Parameters, gradients,
            buffers and modes stay as they are.
        images: ``(N, ...)`` of any dtype, as the model takes them (normalised; token numbers for embeddings).
        generator: source of signs, on any device; it advances. Its state decides the result.
        draws: of signs for each image; where images are few, or few of them carry the trace, more are made to estimate
            the error.
        group: images of one pass, at most; larger ones cost less and have a larger error.
        likelihood: of the labels: ``"categorical"``, ``"categorical_per_position"``, ``"bernoulli"``, ``"gaussian"``,
            ``"gaussian_variance"``, or a value with options, such as ``critlab.measures.Gaussian(variance=0.25)``.
        mask: bool ``(N,)``, or ``(N, heads)``, ``(N, positions)`` ...: which labels count; None is all. An example
            without any counts as 0 in the mean.

    Returns:
        One estimate for each module that directly owns parameters that require gradients, under its name in
        ``model.named_modules()`` (the model itself is ``""``); a shared parameter counts once, under its
        first name. :func:`~critlab.measures.estimates.total` gives the whole.

    Raises:
        StudyError: ``model`` is no module, has nothing to differentiate, or gives an output that the likelihood does
            not understand; there are no images or draws, or groups of none; there is no such likelihood, or the mask
            does not fit.
        Diverged: logits are not finite.

    Error: unbiased. ``stderr`` is over signs for the given images, and such that ``value +- 1.96 stderr`` is an
    interval of 95 %: the standard deviation of the value, made larger for the degrees of freedom that it rests on.
    With one draw for each group it also holds how much groups of images differ, and so is too large rather than too
    small: up to three times for an untrained model of two classes. How often such intervals hold the exact value
    through a training: ``evidence/fisher_coverage.py``. With another likelihood than the categorical one, the sum
    over images and numbers of their outputs is exact, and ``stderr`` 0, where it takes no more backward passes than the
    estimate: one number each for up to 34 images, or more with more draws.

    Cost: one forward pass and ``draws`` backward passes for each image, in groups of at most 16; at least 34
    backward passes in all. Where few images carry the trace, about 128 passes more, one for each group at least.
    Measured at 1,024 images and one draw, All-CNN of width 24, 28 x 28, one thread: 0.09 of a training epoch of 10,000
    images. In bfloat16, groups of 32: see ``docs/speed.md``.

    Source: definition: Achille, Rovere and Soatto 2019, section 3; estimator:
    :func:`~critlab.measures.fisher.sample.fisher_sample`.
    """

    if group < 1:
        raise StudyError(f"fisher_trace: group: received {group}; must be at least 1")
    chosen = likelihood_of(likelihood, "fisher_trace")
    counted = checked_mask(mask, images, "fisher_trace")

    def scored(output: Tensor, place: slice) -> _OfAllLabels:
        few = fitted_mask(None if counted is None else counted[place], output, "fisher_trace", chosen)
        return _OfAllLabels(output, generator, chosen, few)

    return squared_gradients(
        model,
        images,
        scored,
        generator=generator,
        draws=draws,
        measure="fisher_trace",
        largest=group,
        likelihood=chosen,
        labels=counted,
    )


class _OfAllLabels:
    """Every label takes part, weighed by the root of its probability."""

    def __init__(
        self, output: Tensor, generator: torch.Generator, likelihood: Likelihood, counted: Tensor | None
    ) -> None:
        self.output, self.generator, self.likelihood, self.counted = output, generator, likelihood, counted
        self.coefficients = likelihood.coefficients(output.detach(), counted)
        self.uncertainty = self.coefficients.uncertainty
        self.terms = output[0].numel()

    def sample(self, weights: ParameterGroups, *, retain: bool) -> Tensor:
        along = self.coefficients.drawn(self.generator)
        return squared(weights, self.output, along, self.uncertainty, retain=retain)

    def exact(self, weights: ParameterGroups) -> Tensor:
        output, one = self.likelihood.normalised(self.output), torch.ones((), dtype=torch.float64)
        columns = self.likelihood.columns(output.detach(), self.counted)
        return torch.stack([squared(weights, output, along, one, retain=True) for along in columns]).sum(0)


def measure(model: nn.Module, probe: Probe, options: FisherTrace) -> list[Reading]:
    """The whole (``layer=""``), then each layer; parameters of the model itself are layer ``"(root)"``.

    Args:
        model: the network in any mode.
        probe: its images are used, all of them; of its labels only which are missing, and not with the categorical
            likelihood. The passes run in the precision of training, what is squared and summed in float64.
        options: the number of draws, and a likelihood other than that of the probe; which images are in the probe is
            the caller's affair.

    Raises, error and cost: see :func:`fisher_trace`. Computed in bfloat16 the value is within its ``stderr`` of the one
    computed in float32 of the same weights.
    """
    group = LARGEST_COARSE_GROUP if probe.coarse else LARGEST_GROUP
    likelihood = likelihood_of(options.likelihood or probe.likelihood, "fisher_trace")
    with probe.as_trained():
        found = fisher_trace(
            model,
            probe.images,
            generator=probe.generator(0),
            draws=options.draws,
            group=group,
            likelihood=likelihood,
            mask=likelihood.mask(probe.labels),
        )
    return list(readings("fisher_trace", found))
