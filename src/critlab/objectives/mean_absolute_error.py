"""Mean absolute error."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from critlab.objectives.objective import Learned, Objective, check_as_labels

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


class MeanAbsoluteError(Objective):
    """The mean distance between answer and target over examples and outputs."""

    name: ClassVar[str] = "mean_absolute_error"
    citation: ClassVar[str] = "least absolute deviations"
    likelihoods: ClassVar[tuple[str, ...]] = ("gaussian",)

    def learn(self, model: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator) -> Learned:
        """The loss and the outputs; nothing is drawn."""
        outputs = check_as_labels(model(images), labels)
        return Learned((outputs.float() - labels.float()).abs().mean(), outputs)
