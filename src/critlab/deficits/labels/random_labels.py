"""Random labels: each training image has a label of its own that says nothing about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from critlab.deficits.batch_context import BatchContext
from critlab.deficits.deficit import Deficit, InputKind, LabelKind

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class RandomLabels(Deficit):
    """Gives each training image one uniformly drawn label (one for each head), fixed for the run."""

    name: ClassVar[str] = "random_labels"
    citation: ClassVar[str] = "Zhang et al. 2017; as a deficit, the replication by B. Krzepkowski"
    input_kind: ClassVar[InputKind] = "unread"
    label_kind: ClassVar[LabelKind] = "classes"

    def apply(self, images: Tensor, labels: Tensor, draws: BatchContext) -> tuple[Tensor, Tensor]:
        """Random labels; the images are kept.

        Raises:
            StudyError: the number of examples is not known.
        """
        heads = tuple(labels.shape[1:])
        table = label_table(draws.known_examples(self.name), heads, draws.classes, draws.run())
        return images, look_up_labels(labels, table, draws.indices)


def label_table(examples: int, heads: tuple[int, ...], classes: int, generator: torch.Generator) -> Tensor:
    """int64 ``(examples, *heads)``: independent uniform labels from 0 to ``classes - 1``.

    Cost: 0.3 ms for 50,000 examples, so it is drawn again for each batch rather than kept.
    """
    import torch

    return torch.randint(classes, (examples, *heads), generator=generator)


def look_up_labels(labels: Tensor, table: Tensor, indices: Tensor) -> Tensor:
    """Each image's label in ``table``; where the label was -1 (no loss there) it stays -1.

    Args:
        labels: int64 ``(batch,)`` or ``(batch, heads)``.
        table: int64 ``(examples,)`` or ``(examples, heads)``.
        indices: int64 ``(batch,)``, each image's row in ``table``.

    Returns:
        int64 of the shape of ``labels``.

    Source: Zhang et al. 2017; as a deficit, the public replication of Achille et al. 2019 by B. Krzepkowski.
    """
    import torch

    drawn = table[indices.to(table.device)].to(labels.device)
    return torch.where(labels < 0, labels, drawn)
