"""Label shuffle: each example has the label of another one of its batch, whatever labels are."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from critlab.deficits.batch_context import BatchContext
from critlab.deficits.deficit import Deficit, InputKind, LabelKind

if TYPE_CHECKING:
    from torch import Tensor


class LabelShuffle(Deficit):
    """Gives the labels of a batch to its examples in random order, in each step; for labels of every kind.

    Labels keep their distribution and say nothing about their example: class numbers, numbers, rows and label images
    move as a whole. An example with a class number of -1 keeps its labels.
    """

    name: ClassVar[str] = "label_shuffle"
    citation: ClassVar[str] = "Fisher 1935, permutation; as a deficit: ours"
    input_kind: ClassVar[InputKind] = "unread"
    label_kind: ClassVar[LabelKind] = "any"

    def apply(self, images: Tensor, labels: Tensor, draws: BatchContext) -> tuple[Tensor, Tensor]:
        """Labels in another order; the examples are kept."""
        import torch

        moving = torch.arange(len(labels))
        if draws.targets.kind in ("classes", "multi_hot"):
            moving = (labels.cpu().reshape(len(labels), -1) >= 0).all(1).nonzero().flatten()
        order = torch.arange(len(labels))
        order[moving] = moving[torch.randperm(len(moving), generator=draws.step())]
        return images, labels[order.to(labels.device)]
