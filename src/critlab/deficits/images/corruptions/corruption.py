"""What the image corruptions share: a severity, images of any number of channels, and the range."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from critlab.deficits.batch_context import BatchContext
from critlab.deficits.deficit import Deficit, LabelKind
from critlab.deficits.layout import check_images

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Corruption(Deficit):
    """Corrupts each image, more with each severity; what is drawn at random is new in each step.

    The strengths are those with which CIFAR-10-C was made from images of 32 x 32 (``make_cifar_c.py`` in the authors'
    repository). Lengths are in pixels and are not scaled to other image sizes. A subclass gives ``name`` and
    ``smallest_side`` and implements :meth:`corrupt`.

    Args:
        severity: from 1, mild, to 5.

    Source: Hendrycks and Dietterich 2019, Benchmarking Neural Network Robustness to Common Corruptions and
    Perturbations, section 4.1 and appendix B.
    """

    citation: ClassVar[str] = "Hendrycks and Dietterich 2019, CIFAR-10-C"
    label_kind: ClassVar[LabelKind] = "unread"
    smallest_side: ClassVar[int] = 1
    severity: int = Field(ge=1, le=5)

    def check(self, example_shape: tuple[int, ...]) -> None:
        """Raises StudyError unless examples are images with sides of at least ``smallest_side``."""
        check_images(self.name, example_shape, self.smallest_side)

    def apply(self, images: Tensor, labels: Tensor, draws: BatchContext) -> tuple[Tensor, Tensor]:
        """Corrupted images, clipped to [0, 1] where the images are in it; the labels are kept."""
        corrupted = self.corrupt(as_pictures(images), draws.step())
        return (corrupted.clamp(0, 1) if draws.unit else corrupted).reshape(images.shape), labels

    @abstractmethod
    def corrupt(self, pictures: Tensor, generator: torch.Generator) -> Tensor:
        """The corrupted pictures; pure.

        Args:
            pictures: float ``(pictures, channels, height, width)`` in [0, 1].
            generator: a CPU generator; it may advance.

        Returns:
            The same shape and dtype; what leaves [0, 1] is clipped afterwards.
        """


def as_pictures(images: Tensor) -> Tensor:
    """``(batch, height, width)`` or ``(batch, ..., channels, height, width)`` as ``(pictures, channels, ...)``.

    Several views of an example are pictures of their own.
    """
    channels = images.shape[-3] if images.ndim > 3 else 1
    return images.reshape(-1, channels, *images.shape[-2:])
