"""A real number with a given variance: the likelihood of regression with a squared error."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from critlab._core.errors import StudyError
from critlab.measures.likelihoods.likelihood import DiagonalLikelihood

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Gaussian(DiagonalLikelihood):
    """A normal distribution about each output, with a given variance; several outputs are independent.

    ``H = 1 / variance``, so the Fisher information is that of the output's derivatives, ``J^T J / variance``. The
    squared error is twice the negative log-likelihood times the variance. Labels are real numbers.

    Args:
        variance: of every label about its output, in the squared unit of the labels.
    """

    name: ClassVar[str] = "gaussian"
    citation: ClassVar[str] = "definition: Achille, Rovere and Soatto 2019, section 3; signs: ours"
    shapes: ClassVar[str] = "float outputs (N,), (N, 1) or (N, outputs)"
    variance: float = Field(default=1.0, gt=0)

    def check(self, labels: Tensor, output: Tensor, measure: str) -> None:
        """Raises StudyError where a label is no finite number."""
        check_finite(labels, measure)

    def roots(self, output: Tensor) -> Tensor:
        """``1 / sqrt(variance)`` everywhere."""
        return output.new_full(output.shape, 1 / math.sqrt(self.variance))

    def negative_log_likelihood(self, output: Tensor, labels: Tensor) -> Tensor:
        """Half the squared error over the variance, and the normaliser."""
        return ((output[..., 0] - labels).square() / self.variance + math.log(math.tau * self.variance)) / 2

    def cross_entropy(self, output: Tensor, answers: Tensor) -> Tensor:
        """The squared distance and the variance, both over the variance, and the normaliser."""
        apart = (output[..., 0] - answers[..., 0]).square() / self.variance
        return (apart + 1 + math.log(math.tau * self.variance)) / 2

    def draw(self, output: Tensor, generator: torch.Generator) -> Tensor:
        """Of the output's dtype."""
        return output.detach()[..., 0] + math.sqrt(self.variance) * normal(output[..., 0], generator)


def normal(like: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal numbers in shape, dtype and on the device of ``like``."""
    import torch

    return torch.randn(like.shape, generator=generator, device=generator.device).to(like)


def check_finite(labels: Tensor, measure: str) -> None:
    """Raises StudyError where a label is no finite number."""
    if labels.is_complex() or not bool(labels.isfinite().all()):
        raise StudyError(f"{measure}: labels: are not all finite; must be real numbers, one for each output")
