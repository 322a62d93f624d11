"""Noise: sensory deprivation, nothing of the image is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from critlab.deficits.batch_context import BatchContext
from critlab.deficits.deficit import Deficit, LabelKind

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class WhiteNoise(Deficit):
    """Replaces each image by uniform white noise in [0, 1), new in each step."""

    name: ClassVar[str] = "noise"
    citation: ClassVar[str] = "Achille, Rovere and Soatto 2019, section 2, figure 2"
    label_kind: ClassVar[LabelKind] = "unread"

    def apply(self, images: Tensor, labels: Tensor, draws: BatchContext) -> tuple[Tensor, Tensor]:
        """White noise in place of the images; the labels are kept."""
        return white_noise_like(images, draws.step()), labels


def white_noise_like(images: Tensor, generator: torch.Generator) -> Tensor:
    """Independent uniform values in [0, 1) in the shape, dtype, device and layout of ``images``.

    The values are drawn in float32 on the CPU in the order of the shape: layout and device change nothing.

    Args:
        images: float, of any shape; only its form is used.
        generator: a CPU generator; it advances.

    Source: Achille, Rovere and Soatto 2019, section 2 and figure 2 ("sensory deprivation").
    """
    import torch

    noise = torch.rand(images.shape, generator=generator, dtype=torch.float32)
    return torch.empty_like(images).copy_(noise)
