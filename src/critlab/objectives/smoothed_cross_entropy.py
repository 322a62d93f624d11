"""Cross entropy against smoothed labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from critlab.learning_tasks.losses import cross_entropy
from critlab.objectives.objective import Learned, Objective, check_logits

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


class SmoothedCrossEntropy(Objective):
    """Cross entropy in nats against targets of which a part is spread evenly over all classes.

    Its smallest value is above 0: the entropy of the smoothed target.

    Args:
        smoothing: that part, above 0 and below 1; the label's own class keeps ``1 - smoothing`` and its share of the
            rest.

    Source: Szegedy et al. 2016, "Rethinking the Inception architecture", section 7.
    """

    name: ClassVar[str] = "smoothed_cross_entropy"
    citation: ClassVar[str] = "Szegedy et al. 2016, section 7"
    likelihoods: ClassVar[tuple[str, ...]] = ("categorical", "categorical_per_position")
    smoothing: float = Field(default=0.1, gt=0, lt=1)

    def learn(self, model: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator) -> Learned:
        """The loss and the logits; nothing is drawn."""
        logits = check_logits(model(images), labels)
        return Learned(cross_entropy(logits, labels, self.smoothing), logits)
