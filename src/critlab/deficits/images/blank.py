"""Blank: an eye that is shut sees one colour."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from critlab.deficits.batch_context import BatchContext
from critlab.deficits.deficit import Deficit, InputKind, LabelKind
from critlab.deficits.layout import check_channels

if TYPE_CHECKING:
    from torch import Tensor


class Blank(Deficit):
    """Replaces each image by the mean colour of the training images: after normalisation, zero everywhere."""

    name: ClassVar[str] = "blank"
    citation: ClassVar[str] = "Kleinman, Achille and Soatto 2023, a source switched off"
    input_kind: ClassVar[InputKind] = "equivariant"
    label_kind: ClassVar[LabelKind] = "unread"

    def check(self, example_shape: tuple[int, ...]) -> None:
        """Raises StudyError where the mean colour would be that of other axes than the channels."""
        check_channels(self.name, example_shape)

    def apply(self, images: Tensor, labels: Tensor, draws: BatchContext) -> tuple[Tensor, Tensor]:
        """The mean colour in place of the images; the labels are kept."""
        return blank_like(images, draws), labels


def blank_like(images: Tensor, draws: BatchContext) -> Tensor:
    """The mean colour in the shape, dtype and device of ``images``; of the batch where the whole mean is not known.

    Args:
        images: float ``(batch, ...)`` in [0, 1].
        draws: its ``mean`` is the colour.

    Source: Kleinman, Achille and Soatto 2023; in the authors' code a source is switched off after normalisation.
    """
    import torch

    # per channel where an example has three axes or more, as normalisation is
    axes = (0, -2, -1) if images.ndim >= 4 else tuple(range(images.ndim))
    mean = images.mean(axes, keepdim=True)[0] if draws.mean is None else draws.mean
    return torch.empty_like(images).copy_(mean.expand(images.shape))
