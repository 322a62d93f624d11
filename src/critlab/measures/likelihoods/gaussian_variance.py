"""A real number with a variance that the network gives too: the likelihood of heteroscedastic regression."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from critlab.measures.likelihoods.gaussian import check_finite, normal
from critlab.measures.likelihoods.likelihood import DiagonalLikelihood

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class GaussianVariance(DiagonalLikelihood):
    """A normal distribution whose mean and logarithm of the variance are both outputs of the network.

    For mean m and log-variance v of a label, ``H = diag(exp(-v), 1/2)``. Labels are real numbers. Outputs are means
    and then log-variances, ``(N, 2 outputs)``, or both along the last axis, ``(N, outputs, 2)``.
    """

    name: ClassVar[str] = "gaussian_variance"
    citation: ClassVar[str] = "Nix and Weigend 1994; signs: ours"
    shapes: ClassVar[str] = "float outputs (N, 2 outputs), means and then log-variances, or (N, outputs, 2)"

    def understands(self, shape: Sequence[int]) -> bool:
        """An even number of outputs, or a last axis of two."""
        return (len(shape) == 2 and shape[1] > 0 and shape[1] % 2 == 0) or (len(shape) >= 3 and shape[-1] == 2)

    def view(self, output: Tensor, labels: Sequence[int] | None = None) -> Tensor:
        """``(N, outputs, 2)``."""
        return output.unflatten(1, (2, -1)).transpose(1, 2) if output.ndim == 2 else output

    def check(self, labels: Tensor, output: Tensor, measure: str) -> None:
        """Raises StudyError where a label is no finite number."""
        check_finite(labels, measure)

    def roots(self, output: Tensor) -> Tensor:
        """``exp(-v / 2)`` and ``sqrt(1/2)``."""
        import torch

        spread = output[..., 1]
        return torch.stack([(-spread / 2).exp(), torch.full_like(spread, 0.5**0.5)], -1)

    def negative_log_likelihood(self, output: Tensor, labels: Tensor) -> Tensor:
        """Half of: the squared error over the variance, the log-variance, and the normaliser."""
        mean, spread = output.unbind(-1)
        return ((mean - labels).square() * (-spread).exp() + spread + math.log(math.tau)) / 2

    def cross_entropy(self, output: Tensor, answers: Tensor) -> Tensor:
        """The squared distance of the means and the answers' variance, both over the variance, and the rest."""
        (mean, spread), (other, its) = output.unbind(-1), answers.unbind(-1)
        apart = (mean - other).square() * (-spread).exp()
        return (apart + (its - spread).exp() + spread + math.log(math.tau)) / 2

    def draw(self, output: Tensor, generator: torch.Generator) -> Tensor:
        """Of the output's dtype."""
        mean, spread = output.detach().unbind(-1)
        return mean + (spread / 2).exp() * normal(mean, generator)
