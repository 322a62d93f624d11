"""What the gradients and the weights of a training say without another pass: norm, signal to noise, distance."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

TOGETHER = 4
"""Consecutive steps whose gradients are compared; the weights hardly move between them."""


class GradientNoise:
    """Norm of the gradients, and how much of them is signal, from a few consecutive steps.

    Of m independent gradients g with mean G, ``E |sum g|^2 = m E|g|^2 + m (m - 1) |G|^2``: the sum's norm tells signal
    from noise.

    Args:
        parameters: the trainable parameters; their ``.grad`` are read and never changed.

    Error: unbiased for ``|G|^2`` where the batches are independent and the weights rest; the ratio of two estimates is
    not, and may come out negative where there is next to no signal.

    Cost: meanwhile, one copy of the gradients.

    Source: the decomposition: McCandlish et al. 2018, appendix A; from consecutive steps: ours.
    """

    def __init__(self, parameters: list[nn.Parameter]) -> None:
        self.parameters = parameters
        self.begin()

    def begin(self) -> None:
        """Forgets what was taken in."""
        self._sum: list[Tensor | None] = [None] * len(self.parameters)
        self._squares, self._steps = 0.0, 0

    @property
    def there(self) -> bool:
        """Whether there are gradients."""
        return any(parameter.grad is not None for parameter in self.parameters)

    def add(self) -> tuple[float, float | None] | None:
        """Takes in the gradients that are there now.

        Returns:
            After every :data:`TOGETHER` steps the root mean square norm and the ratio of signal to noise (None where
            there is no noise); else None.
        """
        gradients = [parameter.grad for parameter in self.parameters]
        there = [gradient.detach() for gradient in gradients if gradient is not None]
        self._squares += squared(there)
        for place, gradient in enumerate(gradients):
            if gradient is not None:
                held = self._sum[place]
                self._sum[place] = gradient.detach().clone() if held is None else held + gradient.detach()
        self._steps += 1
        return self._finish() if self._steps == TOGETHER else None

    def _finish(self) -> tuple[float, float | None] | None:
        m, mean_square = TOGETHER, self._squares / TOGETHER
        together = squared([one for one in self._sum if one is not None])
        self.begin()
        if not math.isfinite(together) or not math.isfinite(mean_square):
            return None
        signal = (together - m * mean_square) / (m * (m - 1))
        noise = mean_square - signal
        return math.sqrt(mean_square), signal / noise if noise > 0 else None


class WeightPath:
    """How far the weights went, as the sum of the distances between the places where they were looked at.

    Args:
        parameters: the trainable parameters.

    Cost: one copy of them.
    """

    def __init__(self, parameters: list[nn.Parameter]) -> None:
        self.parameters, self.length = parameters, 0.0
        self._last = [parameter.detach().clone() for parameter in parameters]

    def advance(self) -> float:
        """The length so far, with the way to where the weights are now."""
        now = [parameter.detach() for parameter in self.parameters]
        moved = squared([new - last for new, last in zip(now, self._last, strict=True)])
        for last, new in zip(self._last, now, strict=True):
            last.copy_(new)
        self.length += math.sqrt(moved)
        return self.length


def squared(values: Sequence[Tensor]) -> float:
    """The sum of squares of several tensors, in float64; of a sparse gradient, that of its values."""
    dense = [one.coalesce().values() if one.is_sparse else one for one in values]
    norms = [torch.linalg.vector_norm(one, dtype=torch.float64) for one in dense]
    return float(sum(norm.to(norms[0].device).square() for norm in norms))
