"""Vertical flip: a deficit of high-level structure that leaves fine structure alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from critlab.deficits.deficit import Deficit, Draws
from critlab.errors import StudyError

if TYPE_CHECKING:
    from torch import Tensor


class VerticalFlip(Deficit):
    """Turns each image upside down."""

    name: ClassVar[str] = "vertical_flip"

    def check(self, example_shape: tuple[int, ...]) -> None:
        """Raises StudyError unless examples are images."""
        if len(example_shape) < 2:
            raise StudyError(
                "deficit 'vertical_flip' needs images (..., height, width), received examples of shape "
                f"{example_shape}; choose another deficit or other data"
            )

    def apply(self, images: Tensor, labels: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
        """Flipped images; the labels are kept."""
        return vertical_flip(images), labels


def vertical_flip(images: Tensor) -> Tensor:
    """Images with their rows in reverse order; its own inverse, exact.

    Args:
        images: ``(..., height, width)``, of any dtype and range.

    Returns:
        The same shape and dtype.

    Source: Achille, Rovere and Soatto 2019, section 2 and figure 2.
    """
    return images.flip(-2)
