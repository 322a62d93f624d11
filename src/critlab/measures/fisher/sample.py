"""One sample of each layer's Fisher trace from one backward pass, in which every possible label takes part."""

from __future__ import annotations

import torch
from torch import Tensor

from critlab.measures.likelihoods.categorical import Categorical
from critlab.measures.likelihoods.likelihood import Likelihood
from critlab.measures.weights.parameter_groups import ParameterGroups


def fisher_sample(
    weights: ParameterGroups,
    output: Tensor,
    *,
    generator: torch.Generator,
    retain: bool = False,
    likelihood: Likelihood | None = None,
) -> Tensor:
    """One unbiased sample of each layer's Fisher trace, summed over examples, in nats squared.

    ``sum_i sum_y p_i(y) || d log p_i(y) / dw ||^2`` over examples i and labels y. No label is drawn: all labels take
    part in every sample, by random signs, so that a confident model needs no surprise to be measured.

    Args:
        weights: the parameters, which ``output`` depends on.
        output: as the likelihood views it; of the categorical one logits ``(examples, classes)``, or
            ``(examples, heads, classes)`` for independent labels whose log-probabilities add up.
        generator: source of signs, on any device; it advances.
        retain: whether the graph is needed again, for another sample.
        likelihood: None is the categorical one.

    Returns:
        Float64 ``(layers,)`` on the device of the weights.

    Error: unbiased over signs. Between examples, and between labels of one example, its variance is that of drawn
    labels. Within one label it is ``2 (tr F_i^2 - sum_k |a_k|^4)`` for the factors of
    :class:`~critlab.measures.likelihoods.signs.Factors`: 0 for two classes, for a Bernoulli variable and for a Gaussian
    one with a given variance, and little where two classes share nearly all of the probability.

    Cost: one backward pass; memory as of :class:`~critlab.measures.likelihoods.signs.Combinations`.

    Source: signs: Hutchinson 1990; factors of the labels' covariance in place of drawn labels: ours.
    """
    coefficients = (likelihood or Categorical()).coefficients(output.detach())
    return squared(weights, output, coefficients.drawn(generator), coefficients.uncertainty, retain=retain)


def squared(weights: ParameterGroups, output: Tensor, along: Tensor, scale: Tensor, *, retain: bool) -> Tensor:
    """Float64 ``(layers,)``: the squared gradient of ``sum(along * output)``, times ``scale``.

    Where ``along`` adds up to 0 over the classes, that of logits is that of the log-probabilities as well.
    """
    norms = weights.squared_norms(weights.gradients(output, along=along, retain=retain))
    return norms * scale.to(norms.device)
