"""Cross entropy: the objective that every study has unless it says otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from critlab.learning_tasks.losses import cross_entropy as cross_entropy
from critlab.objectives.objective import Learned, Objective, check_logits

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


class CrossEntropy(Objective):
    """The mean cross entropy of the labels, in nats, over all heads whose label is not -1.

    Source: Achille, Rovere and Soatto 2019, section 2.
    """

    name: ClassVar[str] = "cross_entropy"
    citation: ClassVar[str] = "Achille, Rovere and Soatto 2019, section 2"
    likelihoods: ClassVar[tuple[str, ...]] = ("categorical", "categorical_per_position")

    def learn(self, model: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator) -> Learned:
        """The loss and the logits; nothing is drawn."""
        logits = check_logits(model(images), labels)
        return Learned(cross_entropy(logits, labels), logits)
