"""Contrast: everything fades towards the mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from critlab.deficits.deficit import InputKind
from critlab.deficits.images.corruptions.corruption import Corruption

if TYPE_CHECKING:
    import torch
    from torch import Tensor

FACTORS = (0.75, 0.5, 0.4, 0.3, 0.15)
"""What is left of the difference from the mean, for each severity."""


class Contrast(Corruption):
    """Moves each value towards the mean of its channel in its image."""

    name: ClassVar[str] = "contrast"
    input_kind: ClassVar[InputKind] = "equivariant"

    def corrupt(self, pictures: Tensor, generator: torch.Generator) -> Tensor:
        """The pale pictures; nothing is drawn."""
        return fade(pictures, FACTORS[self.severity - 1])


def fade(images: Tensor, factor: float) -> Tensor:
    """``mean + factor * (images - mean)``, with the mean over the last two axes.

    Args:
        images: float ``(..., height, width)``, of any range.
        factor: from 0, one colour, to 1, the image itself.

    Returns:
        The same shape and dtype.

    Source: Hendrycks and Dietterich 2019; CIFAR-10-C.
    """
    return images.mean((-2, -1), keepdim=True).lerp(images, factor)
