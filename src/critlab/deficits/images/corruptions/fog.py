"""Fog: clouds of light before the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from critlab.deficits.images.corruptions.corruption import Corruption

if TYPE_CHECKING:
    import torch
    from torch import Tensor

FOGS = ((0.2, 3.0), (0.5, 3.0), (0.75, 2.5), (1.0, 2.0), (1.5, 1.75))
"""How thick the fog is, and how fast its fine structure fades, for each severity."""


class Fog(Corruption):
    """Mixes each image with clouds of its own, the same in each channel."""

    name: ClassVar[str] = "fog"

    def corrupt(self, pictures: Tensor, generator: torch.Generator) -> Tensor:
        """The pictures in fog."""
        thickness, fading = FOGS[self.severity - 1]
        height, width = pictures.shape[-2:]
        # the least power of two that covers the picture
        side = max(2, 1 << (max(height, width) - 1).bit_length())
        drawn = clouds(len(pictures), side, fading, generator)[:, None, :height, :width]
        return add_light(pictures, thickness * drawn.to(pictures), thickness)


def add_light(pictures: Tensor, light: Tensor, most: float) -> Tensor:
    """``pictures + light``, scaled so that the brightest value stays where it was under ``most`` of light.

    Args:
        pictures: float ``(pictures, channels, height, width)``, at least 0.
        light: broadcast against ``pictures``.
        most: the most light there could be.
    """
    brightest = pictures.amax((1, 2, 3), keepdim=True)
    return (pictures + light) * brightest / (brightest + most)


def clouds(count: int, side: int, fading: float, generator: torch.Generator) -> Tensor:
    """Float32 ``(count, side, side)``, each from 0 to 1: heights by the diamond-square method on a torus.

    Points halfway between known ones get the mean of their four neighbours and a uniform deviation, whose size falls
    by ``fading**2`` each time the distance is halved.

    Args:
        count: how many.
        side: a power of two, at least 2.
        fading: greater than 1 gives smooth clouds.
        generator: a CPU generator; it advances.

    Source: Fournier, Fussell and Carpenter 1982; the ``plasma_fractal`` of ``make_cifar_c.py``.
    """
    import torch

    def halfway(neighbours: Tensor, size: float) -> Tensor:
        return neighbours / 4 + size * (2 * torch.rand(neighbours.shape, generator=generator) - 1)

    heights, step, size = torch.zeros(count, side, side), side, 1.0
    while step > 1:
        half = step // 2
        corners = heights[:, ::step, ::step]
        along = corners + corners.roll(-1, 1)
        centres = halfway(along + along.roll(-1, 2), size)
        heights[:, half::step, half::step] = centres
        above = centres + centres.roll(1, 1) + corners + corners.roll(-1, 2)
        heights[:, ::step, half::step] = halfway(above, size)
        beside = centres + centres.roll(1, 2) + corners + corners.roll(-1, 1)
        heights[:, half::step, ::step] = halfway(beside, size)
        step, size = half, size / fading**2
    heights -= heights.amin((1, 2), keepdim=True)
    return heights / heights.amax((1, 2), keepdim=True)
