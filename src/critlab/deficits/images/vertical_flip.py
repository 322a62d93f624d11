"""Vertical flip: a deficit of high-level structure that leaves fine structure alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from critlab.deficits.batch_context import BatchContext
from critlab.deficits.deficit import Deficit, InputKind, LabelKind
from critlab.deficits.layout import check_images

if TYPE_CHECKING:
    from torch import Tensor


class VerticalFlip(Deficit):
    """Turns each image upside down; a label image turns with it."""

    name: ClassVar[str] = "vertical_flip"
    citation: ClassVar[str] = "Achille, Rovere and Soatto 2019, section 2, figure 2"
    input_kind: ClassVar[InputKind] = "any"
    label_kind: ClassVar[LabelKind] = "unread"

    def check(self, example_shape: tuple[int, ...]) -> None:
        """Raises StudyError unless examples are images."""
        check_images(self.name, example_shape)

    def apply(self, images: Tensor, labels: Tensor, draws: BatchContext) -> tuple[Tensor, Tensor]:
        """Flipped images; the labels are kept, but label images are flipped too."""
        return vertical_flip(images), vertical_flip(labels) if draws.targets.kind == "pixels" else labels


def vertical_flip(images: Tensor) -> Tensor:
    """Images with their rows in reverse order; its own inverse, exact.

    Args:
        images: ``(..., height, width)``, of any dtype and range.

    Returns:
        The same shape and dtype.

    Source: Achille, Rovere and Soatto 2019, section 2 and figure 2.
    """
    return images.flip(-2)
