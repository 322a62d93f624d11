"""One sample of each layer's Fisher trace from one backward pass, in which every possible label takes part."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from critlab.measures.weights import Weights


def fisher_sample(weights: Weights, log_p: Tensor, *, generator: torch.Generator, retain: bool = False) -> Tensor:
    """One unbiased sample of each layer's Fisher trace, summed over examples, in nats squared.

    ``sum_i sum_c p_ic || d log p_ic / dw ||^2`` over examples i and labels c. No label is drawn: all labels take part
    in every sample, each with a random sign, so that a confident model needs no surprise to be measured.

    Args:
        weights: the parameters, which ``log_p`` depends on.
        log_p: log-probabilities ``(examples, classes)``, or ``(examples, heads, classes)`` for independent labels
            whose log-probabilities add up, as of the positions of a language model.
        generator: source of signs, on any device; it advances.
        retain: whether the graph is needed again, for another sample.

    Returns:
        Float64 ``(layers,)`` on the device of the weights.

    Error: unbiased over signs. Between examples, and between heads, its variance is that of drawn labels. Within one
    example and head it is ``2 (tr F_i^2 - sum_k |a_k|^4)`` for the factors of :func:`coefficients`: 0 for two
    classes, and little where two labels share nearly all of the probability.

    Cost: one backward pass.

    Source: signs: Hutchinson 1990; factors of the labels' covariance in place of drawn labels: ours.
    """
    signs = random_signs(log_p, log_p.shape, generator)
    return squared(weights, log_p, *coefficients(log_p.detach(), signs), retain=retain)


def random_signs(like: Tensor, shape: Sequence[int], generator: torch.Generator) -> Tensor:
    """1 or -1 at random, in dtype and on the device of ``like``."""
    return torch.empty(shape, device=generator.device).bernoulli_(generator=generator).mul_(2).sub_(1).to(like)


def squared(weights: Weights, log_p: Tensor, factors: Tensor, scale: Tensor, *, retain: bool) -> Tensor:
    """Float64 ``(layers,)``: the squared gradient of ``scale * sum(factors * log_p)``."""
    # an impossible label has an infinite logarithm and no coefficient
    score = (factors * log_p.masked_fill(factors == 0, 0)).sum()
    return weights.squared_norms(weights.gradients(score, retain=retain)) * scale.to(weights.owner.device).square()


def trace_in_logits(log_p: Tensor) -> Tensor:
    """Float64 ``()``: the sum of ``p_c (1 - p_c)``, the Fisher trace of the logits themselves."""
    most, top = log_p.double().max(-1, keepdim=True)
    others = log_p.double().scatter(-1, top, -torch.inf)
    p = others.exp()
    return (most.exp() * p.sum(-1, keepdim=True)).sum() + (p * (1 - p)).sum()


def coefficients(log_p: Tensor, signs: Tensor) -> tuple[Tensor, Tensor]:
    """The combination of log-probabilities whose squared gradient is, on average over signs, the Fisher information.

    With t the most probable label, ``q = 1 - p_t`` and ``m`` the mean of the other labels' logits z under their own
    probabilities ``p_c / q``, the covariance of the score splits into

        ``diag(p) - p p^T = p_t q (z_t - m)^2 + sum_{c != t} p_c (z_c - m)^2``.

    The combination is ``s_t sqrt(p_t q) (z_t - m) + sum_{c != t} s_c sqrt(p_c) (z_c - m)``. Its coefficients add up to
    0, so nothing cancels in the gradient however confident the model is.

    Args:
        log_p: ``(..., classes)``, without a graph.
        signs: 1 or -1 in the same shape and dtype.

    Returns:
        The coefficients, in the shape of ``log_p``, divided by the second value, ``()`` in float64, which keeps them
        far from the smallest number of their dtype.
    """
    most, top = log_p.max(-1, keepdim=True)
    others = log_p.scatter(-1, top, -torch.inf)
    rest = others.logsumexp(-1, keepdim=True)
    largest = rest.max()
    # where no other label is possible there is nothing to measure
    largest = torch.where(largest.isfinite(), largest, torch.zeros_like(largest))
    first = signs.gather(-1, top) * ((most + rest - largest) / 2).exp()
    roots = signs * ((others - largest) / 2).exp()
    within = torch.where(rest.isfinite(), others - rest, others).exp()
    found = roots - within * (first + roots.sum(-1, keepdim=True))
    return found.scatter(-1, top, first), (largest.double() / 2).exp()
