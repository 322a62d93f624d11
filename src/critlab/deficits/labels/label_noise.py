"""Label noise: some training images have a wrong label, the same one for as long as it lasts."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from critlab._core.errors import StudyError
from critlab.deficits.batch_context import BatchContext
from critlab.deficits.deficit import Deficit, InputKind, LabelKind

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class LabelNoise(Deficit):
    """Gives a share of the training images one wrong label each, uniform among the other classes; heads apart.

    Args:
        share: of the images (for each head), drawn once per run.
    """

    name: ClassVar[str] = "label_noise"
    citation: ClassVar[str] = "Patrini et al. 2017, section 5 (symmetric noise)"
    input_kind: ClassVar[InputKind] = "unread"
    label_kind: ClassVar[LabelKind] = "classes"
    share: float = Field(gt=0, le=1)

    def apply(self, images: Tensor, labels: Tensor, draws: BatchContext) -> tuple[Tensor, Tensor]:
        """Wrong labels here and there; the images are kept.

        Raises:
            StudyError: there is only one class, or the number of examples is not known.
        """
        if draws.classes < 2:
            raise StudyError(f"deficit 'label_noise' needs at least 2 classes, received {draws.classes}")
        shifts = shift_table(
            draws.known_examples(self.name), tuple(labels.shape[1:]), draws.classes, self.share, draws.run()
        )
        return images, shifted(labels, shifts[draws.indices.to(shifts.device)], draws.classes)


def shift_table(
    examples: int, heads: tuple[int, ...], classes: int, share: float, generator: torch.Generator
) -> Tensor:
    """int64 ``(examples, *heads)``: 0 where a label stays right, else by how much it is off, 1 to ``classes - 1``."""
    import torch

    wrong = torch.rand(examples, *heads, generator=generator) < share
    return wrong * torch.randint(1, classes, (examples, *heads), generator=generator)


def shifted(labels: Tensor, shifts: Tensor, classes: int) -> Tensor:
    """``(label + shift) mod classes``; -1 (no loss there) stays -1.

    Args:
        labels: int64 of any shape, from -1 to ``classes - 1``.
        shifts: int64 of the same shape.
        classes: how many there are.

    Source: symmetric label noise, as in Patrini et al. 2017, section 5.
    """
    import torch

    return torch.where(labels < 0, labels, (labels + shifts.to(labels.device)) % classes)
