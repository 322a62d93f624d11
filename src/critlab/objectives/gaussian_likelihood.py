"""Negative log-likelihood of normal targets with a learned variance."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from critlab.learning_tasks.losses import gaussian_loss
from critlab.objectives.objective import Learned, Objective

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


class GaussianLikelihood(Objective):
    """The mean negative log-likelihood of normal targets; the network answers means and log variances.

    Source: Nix and Weigend 1994.
    """

    name: ClassVar[str] = "gaussian_likelihood"
    citation: ClassVar[str] = "Nix and Weigend 1994"
    likelihoods: ClassVar[tuple[str, ...]] = ("gaussian_variance",)

    def learn(self, model: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator) -> Learned:
        """The loss and the outputs; nothing is drawn."""
        outputs: Tensor = model(images)
        return Learned(gaussian_loss(outputs, labels), outputs)
