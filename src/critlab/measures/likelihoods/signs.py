"""Random signs in place of drawn labels: combinations of outputs in which every possible label takes part."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from critlab._core.errors import Diverged

AT_ONCE = 2**20
"""Logits of which the factors are held at a time: a million take about 30 MB."""


def random_bits(shape: Sequence[int], generator: torch.Generator) -> Tensor:
    """Int32 numbers on the generator's device whose signs are random and independent; one draw gives 32 of them."""
    count, device = math.prod(shape), generator.device
    drawn = torch.randint(-(2**31), 2**31, (-(-count // 32), 1), generator=generator, device=device, dtype=torch.int32)
    # each bit in turn becomes the first one, which is the sign; what is left over of the last draw goes
    return (drawn << _places(device)).resize_(tuple(shape))


@cache
def _places(device: torch.device) -> Tensor:
    return torch.arange(31, -1, -1, device=device, dtype=torch.int32)


def random_signs(like: Tensor, shape: Sequence[int], generator: torch.Generator) -> Tensor:
    """1 or -1 at random, in dtype and on the device of ``like``."""
    one = torch.ones((), dtype=like.dtype, device=generator.device)
    return one.copysign(random_bits(shape, generator)).to(like.device)


class DiagonalSigns:
    """Random signs of all numbers of an output, each weighted by a root of the Fisher information's diagonal.

    Args:
        roots: float64, in the shape of the output.
        dtype: of the coefficients.

    Raises:
        Diverged: the Fisher information of the output is not finite.
    """

    def __init__(self, roots: Tensor, dtype: torch.dtype) -> None:
        self.uncertainty = roots.square().sum()
        if not math.isfinite(self.uncertainty):
            raise Diverged("the Fisher information of the model's outputs is not finite; measure an earlier state")
        # over the root of the sum, so that numbers below the smallest of the dtype keep their part
        self._roots = (roots / self.uncertainty.clamp(min=torch.finfo(roots.dtype).tiny).sqrt()).to(dtype)

    def drawn(self, generator: torch.Generator) -> Tensor:
        """The coefficients of one combination, over ``sqrt(uncertainty)``."""
        return self._roots.copysign(random_bits(self._roots.shape, generator).to(self._roots.device))


class Combinations:
    """Random combinations of logits, whose squared gradients are on average the Fisher information.

    Args:
        logits: without a graph, ``(..., classes)``.

    Memory: five tensors of the shape of ``logits``, these included; above :data:`AT_ONCE` numbers two and what rows of
    so many numbers take, since what they are combined by is computed again in each draw.
    """

    def __init__(self, logits: Tensor) -> None:
        self._shape = logits.shape
        self._parts: Sequence[Tensor] = [logits]
        self._kept: Factors | None = None
        if logits.numel() <= AT_ONCE:
            self._kept = Factors.of(logits)
            self.uncertainty = self._kept.uncertainty
        else:
            self._parts = logits.flatten(0, -2).split(max(AT_ONCE // logits.shape[-1], 1))
            self.uncertainty = torch.stack([Answers.of(part).uncertainty for part in self._parts]).sum()

    def drawn(self, generator: torch.Generator) -> Tensor:
        """The coefficients of one combination, over ``sqrt(uncertainty)``; they add up to 0 over the classes."""
        if self._kept is not None:
            return self._kept.drawn(generator)
        first = self._parts[0]
        found = torch.empty(self._shape, dtype=first.dtype, device=first.device)
        for into, part in zip(found.flatten(0, -2).split(len(first)), self._parts, strict=True):
            into.copy_(Factors.of(part, self.uncertainty).drawn(generator))
        return found


class Answers(NamedTuple):
    """Probabilities in float64: of all labels but the likeliest, of that one, its place, and the others' sum q."""

    others: Tensor
    most: Tensor
    top: Tensor
    q: Tensor

    @classmethod
    def of(cls, logits: Tensor) -> Answers:
        """Those of logits ``(..., classes)``."""
        p = logits.softmax(-1, dtype=torch.float64)
        most, top = p.max(-1, keepdim=True)
        # not 1 - p_t, which has no digits where p_t is nearly 1
        return cls(p, most, top, p.scatter_(-1, top, 0).sum(-1, keepdim=True))

    @property
    def uncertainty(self) -> Tensor:
        """Float64 ``()``: the sum of q over examples and heads."""
        return self.q.sum()


@dataclass(frozen=True)
class Factors:
    """What combines logits, so that the squared gradient is, on average over signs, the Fisher information.

    With t the most probable label, ``q = 1 - p_t``, ``w_c = p_c / q`` the probabilities of the other labels among
    themselves, and ``m`` the mean of their logits z under w, the covariance of the score splits into

        ``diag(p) - p p^T = p_t q (z_t - m)^2 + q sum_{c != t} w_c (z_c - m)^2``.

    The combination is ``sqrt(q) (s_t sqrt(p_t) (z_t - m) + sum_{c != t} s_c sqrt(w_c) (z_c - m))``. Its coefficients
    add up to 0, so nothing cancels in the gradient however confident the model is, and the normaliser of the
    probabilities has no part in it.

    Args:
        roots: ``sqrt(p_c / uncertainty)``, and ``sqrt(p_t q / uncertainty)`` for t, ``(..., classes)``: p itself may be
            below the smallest number of the dtype.
        within: ``w_c``, and 0 for t.
        uncertainty: float64 ``()``: the sum of q over examples and heads.
    """

    roots: Tensor
    within: Tensor
    uncertainty: Tensor

    @classmethod
    def of(cls, logits: Tensor, uncertainty: Tensor | None = None) -> Factors:
        """Those of logits ``(..., classes)`` without a graph; ``uncertainty`` is that of more than these."""
        p, most, top, q = answers = Answers.of(logits)
        whole, least = answers.uncertainty if uncertainty is None else uncertainty, torch.finfo(p.dtype).tiny
        # where no other label is possible, all coefficients are 0
        within = torch.div(p, q.clamp(min=least), out=torch.empty_like(logits))
        roots = p.scatter_(-1, top, most.mul_(q)).div_(whole.clamp(min=least)).sqrt_()
        return cls(roots.to(logits.dtype), within, whole)

    def signed(self, signs: Tensor) -> Tensor:
        """The coefficients over ``sqrt(uncertainty)``, for ``(..., classes)`` numbers of which the signs are taken."""
        found = self.roots.copysign(signs)
        return found.addcmul_(self.within, found.sum(-1, keepdim=True), value=-1)

    def drawn(self, generator: torch.Generator) -> Tensor:
        """The coefficients over ``sqrt(uncertainty)`` for random signs."""
        return self.signed(random_bits(self.roots.shape, generator).to(self.roots.device))
