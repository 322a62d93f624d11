"""Smaller training images in the window."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from critlab._core.problems import shown
from critlab.study.switches.switch import Found, Switch

if TYPE_CHECKING:
    from torch import Tensor

    from critlab.study.setup import Setup


class Resolution(Switch):
    """The smaller side of the training images, in pixels; tests are at the full side.

    Images are made smaller after augmentation and deficit, by bilinear interpolation with antialiasing.
    """

    name: ClassVar[str] = "resolution"
    citation: ClassVar[str] = "Touvron et al. 2019"
    value: int = Field(ge=1)

    def misfits(self, base: Setup) -> Found:
        """Label images, which keep their side."""
        yield from super().misfits(base)
        if base.task.unit == "pixel":
            yield (), f"received {shown(self.value)}, but {base.task.name} has label images of the full side; omit it"

    def shape_misfits(self, example_shape: tuple[int, ...]) -> Found:
        """Examples that are no images, or a side that is not smaller."""
        if len(example_shape) < 3:
            text = f"received {shown(self.value)}; must be left out, as examples of shape"
            yield (), f"{text} {example_shape} have no channels, height and width"
        elif self.value >= (side := min(example_shape[-2:])):
            yield (), f"received {shown(self.value)}; must be below {side}, the side of the images"

    def shown(self, images: Tensor) -> Tensor:
        """The batch with this smaller side; the larger one keeps the proportion, rounded."""
        import torch
        from torch.nn.functional import interpolate

        height, width = images.shape[-2:]
        scale = self.value / min(height, width)
        size = (max(1, round(height * scale)), max(1, round(width * scale)))
        flat = images.reshape(-1, *images.shape[-3:])
        small = interpolate(flat, size=size, mode="bilinear", antialias=True).reshape(*images.shape[:-2], *size)
        return small.contiguous(memory_format=torch.channels_last) if small.ndim == 4 else small
