"""Brightness: more light on everything."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from critlab.deficits.images.corruptions.corruption import Corruption

if TYPE_CHECKING:
    import torch
    from torch import Tensor

LIGHTS = (0.05, 0.1, 0.15, 0.2, 0.3)
"""What is added to the brightest channel, for each severity."""


class Brightness(Corruption):
    """Adds light, and keeps hue and saturation: the value of HSV grows, up to 1."""

    name: ClassVar[str] = "brightness"

    def corrupt(self, pictures: Tensor, generator: torch.Generator) -> Tensor:
        """The brighter pictures; nothing is drawn."""
        return brighten(pictures, LIGHTS[self.severity - 1])


def brighten(pictures: Tensor, light: float) -> Tensor:
    """Each pixel scaled so that its brightest channel grows by ``light``, at most to 1; black becomes grey.

    In HSV a pixel of the same hue and saturation is a multiple of it, so no conversion is needed, and any number of
    channels will do; a grey image simply grows by ``light``.

    Args:
        pictures: float ``(pictures, channels, height, width)`` in [0, 1].
        light: at least 0.

    Returns:
        The same shape and dtype.

    Source: Hendrycks and Dietterich 2019; CIFAR-10-C.
    """
    value = pictures.amax(1, keepdim=True)
    share = (pictures / value).masked_fill(value == 0, 1)
    return pictures + ((value + light).clamp(max=1) - value) * share
