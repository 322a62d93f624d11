"""Mean squared error."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from critlab.learning_tasks.losses import squared_error
from critlab.objectives.objective import Learned, Objective, check_as_labels

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


class MeanSquaredError(Objective):
    """The mean squared error over examples and outputs."""

    name: ClassVar[str] = "mean_squared_error"
    citation: ClassVar[str] = "least squares"
    likelihoods: ClassVar[tuple[str, ...]] = ("gaussian",)

    def learn(self, model: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator) -> Learned:
        """The loss and the outputs; nothing is drawn."""
        outputs = check_as_labels(model(images), labels)
        return Learned(squared_error(outputs, labels), outputs)
