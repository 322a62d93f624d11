"""Motion blur: the camera moves while it looks."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from critlab.deficits.deficit import InputKind
from critlab.deficits.images.corruptions.corruption import Corruption

if TYPE_CHECKING:
    import torch
    from torch import Tensor

MOTIONS = ((6, 1.0), (6, 1.5), (6, 2.0), (8, 2.0), (9, 2.5))
"""Radius and standard deviation of the trail, in pixels, for each severity."""

LARGEST_ANGLE = 45
"""Each picture's direction is uniform up to so many degrees on either side of the horizontal."""


class MotionBlur(Corruption):
    """Averages each image along a short straight trail, in a direction of its own."""

    name: ClassVar[str] = "motion_blur"
    input_kind: ClassVar[InputKind] = "equivariant"

    def corrupt(self, pictures: Tensor, generator: torch.Generator) -> Tensor:
        """The pictures, moved."""
        import torch

        radius, deviation = MOTIONS[self.severity - 1]
        angles = (2 * torch.rand(len(pictures), generator=generator) - 1) * math.radians(LARGEST_ANGLE)
        return blur_along(pictures, angles.to(pictures.device), trail(radius, deviation))


@lru_cache(maxsize=16)
def trail(radius: int, deviation: float) -> tuple[float, ...]:
    """The weights of the ``2 * radius + 1`` points of a trail: one half of a bell, from its middle; sums to 1."""
    weights = [math.exp(-((place / deviation) ** 2) / 2) for place in range(2 * radius + 1)]
    return tuple(weight / sum(weights) for weight in weights)


def blur_along(pictures: Tensor, angles: Tensor, weights: tuple[float, ...]) -> Tensor:
    """Each picture averaged over the points that lie 0, 1, 2, ... pixels away in its own direction.

    A point between pixels counts as the nearest one; beyond the border, the border's pixel is seen.

    Args:
        pictures: float ``(pictures, channels, height, width)``.
        angles: float ``(pictures,)``, in radians, from the direction of the rows towards the last row.
        weights: of the points, in order.

    Returns:
        The same shape and dtype.

    Source: ImageMagick's ``MotionBlurImage``, by which CIFAR-10-C was made.
    """
    import torch

    (count, channels, height, width), device = pictures.shape, pictures.device
    rows, columns = torch.arange(height, device=device), torch.arange(width, device=device)
    planes = pictures.reshape(count, channels, -1)
    blurred = torch.zeros_like(planes)
    for place, weight in enumerate(weights):
        down, right = (torch.ceil(place * part(angles) - 0.5).long()[:, None] for part in (torch.sin, torch.cos))
        row, column = (rows + down).clamp(0, height - 1), (columns + right).clamp(0, width - 1)
        places = (row[:, :, None] * width + column[:, None, :]).reshape(count, 1, -1)
        blurred += weight * planes.gather(2, places.expand(-1, channels, -1))
    return blurred.reshape(pictures.shape)
