"""Cross entropy of yes and no, for one logit or for several labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from critlab.learning_tasks.losses import binary_cross_entropy
from critlab.objectives.objective import Learned, Objective, check_as_labels

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


class BinaryCrossEntropy(Objective):
    """The mean cross entropy of yes and no in nats, over all labels that are not -1."""

    name: ClassVar[str] = "binary_cross_entropy"
    citation: ClassVar[str] = "logistic regression, Cox 1958"
    likelihoods: ClassVar[tuple[str, ...]] = ("bernoulli",)

    def learn(self, model: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator) -> Learned:
        """The loss and the logits; nothing is drawn."""
        logits = check_as_labels(model(images), labels)
        return Learned(binary_cross_entropy(logits, labels), logits)
