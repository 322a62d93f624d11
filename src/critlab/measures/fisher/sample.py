"""One sample of each layer's Fisher trace from one backward pass, in which every possible label takes part."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from critlab.measures.weights.parameter_groups import ParameterGroups


def fisher_sample(
    weights: ParameterGroups, log_p: Tensor, *, generator: torch.Generator, retain: bool = False
) -> Tensor:
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
    example and head it is ``2 (tr F_i^2 - sum_k |a_k|^4)`` for the factors of :class:`Factors`: 0 for two
    classes, and little where two labels share nearly all of the probability.

    Cost: one backward pass.

    Source: signs: Hutchinson 1990; factors of the labels' covariance in place of drawn labels: ours.
    """
    factors = Factors.of(log_p.detach())
    return factors.squared(weights, log_p, random_signs(log_p, log_p.shape, generator), retain=retain)


def random_signs(like: Tensor, shape: Sequence[int], generator: torch.Generator) -> Tensor:
    """1 or -1 at random, in dtype and on the device of ``like``; one draw of the generator gives 32 of them."""
    count, device = math.prod(shape), generator.device
    drawn = torch.randint(-(2**31), 2**31, (-(-count // 32), 1), generator=generator, device=device, dtype=torch.int32)
    bits = (drawn >> torch.arange(32, device=device, dtype=torch.int32)) & 1
    return bits.flatten()[:count].view(tuple(shape)).to(like).mul_(2).sub_(1)


def squared(weights: ParameterGroups, log_p: Tensor, along: Tensor, scale: Tensor, *, retain: bool) -> Tensor:
    """Float64 ``(layers,)``: the squared gradient of ``scale * sum(along * log_p)``."""
    norms = weights.squared_norms(weights.gradients(log_p, along=along, retain=retain))
    return norms * scale.to(norms.device).square()


@dataclass(frozen=True)
class Factors:
    """What combines log-probabilities, so that the squared gradient is, on average over signs, the Fisher information.

    With t the most probable label, ``q = 1 - p_t`` and ``m`` the mean of the other labels' logits z under their own
    probabilities ``p_c / q``, the covariance of the score splits into

        ``diag(p) - p p^T = p_t q (z_t - m)^2 + sum_{c != t} p_c (z_c - m)^2``.

    The combination is ``s_t sqrt(p_t q) (z_t - m) + sum_{c != t} s_c sqrt(p_c) (z_c - m)``. Its coefficients add up to
    0, so nothing cancels in the gradient however confident the model is.

    Args:
        top: t, int64 ``(..., 1)``.
        first: ``sqrt(p_t q)``, ``(..., 1)``.
        roots: ``sqrt(p_c)``, and 0 for t, ``(..., classes)``.
        within: ``p_c / q``, and 0 for t.
        scale: float64 ``()``: what ``first`` and ``roots`` were divided by, to keep them far from the smallest number
            of their dtype.
        uncertainty: float64 ``()``: the sum of q.
    """

    top: Tensor
    first: Tensor
    roots: Tensor
    within: Tensor
    scale: Tensor
    uncertainty: Tensor

    @classmethod
    def of(cls, log_p: Tensor) -> Factors:
        """Those of log-probabilities ``(..., classes)`` without a graph."""
        most, top = log_p.max(-1, keepdim=True)
        rest = log_p.scatter(-1, top, -torch.inf).logsumexp(-1, keepdim=True)
        largest = rest.max()
        # where no other label is possible there is nothing to measure
        largest = torch.where(largest.isfinite(), largest, torch.zeros_like(largest))
        roots = ((log_p - largest) / 2).exp_().scatter_(-1, top, 0)
        shares = (rest - largest).exp()
        within = roots.square().div_(shares.clamp(min=torch.finfo(log_p.dtype).tiny))
        scale = (largest.double() / 2).exp()
        first = ((most + rest - largest) / 2).exp()
        return cls(top, first, roots, within, scale, shares.double().sum() * scale.square())

    def signed(self, signs: Tensor) -> Tensor:
        """The coefficients, over the scale, for signs ``(..., classes)``."""
        first, roots = signs.gather(-1, self.top) * self.first, signs * self.roots
        found = roots - self.within * (first + roots.sum(-1, keepdim=True))
        return found.scatter_(-1, self.top, first)

    def squared(self, weights: ParameterGroups, log_p: Tensor, signs: Tensor, *, retain: bool) -> Tensor:
        """Float64 ``(layers,)``: the squared gradient of the combination."""
        return squared(weights, log_p, self.signed(signs), self.scale, retain=retain)
