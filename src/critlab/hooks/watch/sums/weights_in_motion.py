"""What the gradients and the weights of a training say without another pass: norm, signal to noise, distance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from critlab.measures.weights.parameter_groups import real

TOGETHER = 4
"""Consecutive steps whose gradients are compared; the weights hardly move between them."""

CLIPPED = 1e-5
"""Two norms that agree so closely with each other, and with a number of three digits, were clipped to it."""

ADDED = 2e-6
"""What clipping leaves out because torch adds 1e-6 to the norm that it divides by."""


class Reading(NamedTuple):
    """What the gradients of a few consecutive steps say.

    Args:
        norm: root mean square norm.
        ratio: squared norm of the mean gradient per variance of one batch's gradient; None where there is no noise.
        clipped: whether the loop had clipped some of them before they were read.
    """

    norm: float
    ratio: float | None
    clipped: bool


class GradientNoise:
    """Norm of the gradients, and how much of them is signal, from a few consecutive steps.

    Of m independent gradients g with mean G, ``E |sum g|^2 = m E|g|^2 + m (m - 1) |G|^2``: the sum's norm separates
    signal from noise.

    Args:
        parameters: the trainable parameters; their ``.grad`` are read and never changed.
        limit: the norm to which the loop clips gradients before they are read, where it is known.

    Error: unbiased for ``|G|^2`` where the batches are independent and the weights rest; the ratio of two estimates is
    not, and may come out negative where there is next to no signal.

    Cost: meanwhile, one copy of the gradients.

    Source: the decomposition: McCandlish et al. 2018, appendix A; from consecutive steps: ours.
    """

    def __init__(self, parameters: list[nn.Parameter], limit: float | None = None) -> None:
        self.parameters, self.limit = parameters, limit
        self.begin()

    def begin(self) -> None:
        """Forgets what was taken in."""
        self._sum: list[Tensor | None] = [None] * len(self.parameters)
        self._norms: list[float] = []

    @property
    def there(self) -> bool:
        """Whether there are gradients."""
        return any(parameter.grad is not None for parameter in self._learning())

    def add(self, *, before_clipping: bool = False) -> Reading | None:
        """Takes in the gradients that are there now.

        Args:
            before_clipping: whether the loop has not clipped them yet.

        Returns:
            After every :data:`TOGETHER` steps what they say; else None.
        """
        gradients = [parameter.grad if parameter.requires_grad else None for parameter in self.parameters]
        self._norms.append(math.sqrt(squared([one.detach() for one in gradients if one is not None])))
        for place, gradient in enumerate(gradients):
            if gradient is not None:
                held = self._sum[place]
                self._sum[place] = gradient.detach().clone() if held is None else held + gradient.detach()
        return self._finish(before_clipping) if len(self._norms) == TOGETHER else None

    def _learning(self) -> list[nn.Parameter]:
        return [parameter for parameter in self.parameters if parameter.requires_grad]

    def _finish(self, before_clipping: bool) -> Reading | None:
        m, norms = TOGETHER, self._norms
        mean_square = sum(norm * norm for norm in norms) / m
        together = squared([one for one in self._sum if one is not None])
        self.begin()
        if not math.isfinite(together) or not math.isfinite(mean_square):
            return None
        signal = (together - m * mean_square) / (m * (m - 1))
        noise = mean_square - signal
        was_clipped = not before_clipping and clipped(norms, self.limit)
        return Reading(math.sqrt(mean_square), signal / noise if noise > 0 else None, was_clipped)


def clipped(norms: Sequence[float], limit: float | None = None) -> bool:
    """Whether some of these gradients have been clipped, by their norms.

    Args:
        norms: of consecutive steps.
        limit: the norm to which they are clipped; None where it is not known. Then two of them that agree with each
            other and with a number of three digits, to one part in 100,000, have been.
    """
    if limit is not None:
        return any(norm >= limit * (1 - 1e-3) for norm in norms)
    round_ones = [norm for norm in norms if norm > 0 and abs(norm - float(f"{norm:.3g}")) <= CLIPPED * norm + ADDED]
    return any(abs(a - b) <= CLIPPED * a + ADDED for place, a in enumerate(round_ones) for b in round_ones[:place])


class WeightPath:
    """How far the weights went, as the sum of the distances between the places where they were looked at.

    Args:
        parameters: the trainable parameters.
        length: so far.

    Cost: one copy of them.
    """

    def __init__(self, parameters: list[nn.Parameter], length: float = 0.0) -> None:
        self.parameters, self.length = parameters, length
        self._last = [parameter.detach().clone() for parameter in parameters]

    def advance(self) -> float:
        """The length so far, with the way to where the weights are now."""
        self.length += self._way()
        for last, parameter in zip(self._last, self.parameters, strict=True):
            last.copy_(parameter.detach())
        return self.length

    def state(self) -> dict[str, float]:
        """What :meth:`load` takes; the way since the last place is counted, and the place stays what it was."""
        return {"length": self.length + self._way()}

    def load(self, state: Mapping[str, Any]) -> None:
        """Goes on from a state, at the place where the weights are now."""
        self.length = float(state["length"])
        self._last = [parameter.detach().clone() for parameter in self.parameters]

    def _way(self) -> float:
        # one after the other, so that no second copy of all weights is made
        pairs = zip(self.parameters, self._last, strict=True)
        return math.sqrt(math.fsum(squared([new.detach() - last.to(new.device)]) for new, last in pairs))


def squared(values: Sequence[Tensor]) -> float:
    """The sum of squares of several tensors, in float64; of a sparse gradient, that of its values."""
    dense = [real(one.coalesce().values() if one.is_sparse else one) for one in values]
    norms = [torch.linalg.vector_norm(one, dtype=torch.float64) for one in dense]
    return float(sum(norm.to(norms[0].device).square() for norm in norms))
