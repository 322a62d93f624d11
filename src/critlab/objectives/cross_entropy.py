"""Cross entropy: the objective that every study has unless it says otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

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

    def learn(self, model: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator) -> Learned:
        """The loss and the logits; nothing is drawn."""
        logits = check_logits(model(images), labels)
        return Learned(cross_entropy(logits, labels), logits)


def cross_entropy(logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    """Mean cross entropy in nats, computed in float32; 0 where no label counts.

    Args:
        logits: ``(..., classes)``, float.
        labels: int64 ``(...)``; -1 does not count.
        smoothing: the part of each target, in [0, 1), that is spread evenly over all classes.
    """
    from torch.nn.functional import cross_entropy as torch_cross_entropy

    flat, wanted = logits.flatten(0, -2), labels.flatten()
    # a tensor, so that reading it does not wait for the GPU
    counted = (wanted >= 0).sum().clamp(min=1)
    total = torch_cross_entropy(flat.float(), wanted, ignore_index=-1, reduction="sum", label_smoothing=smoothing)
    return total / counted
