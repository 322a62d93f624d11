"""Gaussian noise: what a sensor adds in poor light."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from critlab.deficits.images.corruptions.corruption import Corruption

if TYPE_CHECKING:
    import torch
    from torch import Tensor

DEVIATIONS = (0.04, 0.06, 0.08, 0.09, 0.10)
"""Standard deviation of the noise, in units of the range of an image, for each severity."""


class GaussianNoise(Corruption):
    """Adds independent normal noise to each value."""

    name: ClassVar[str] = "gaussian_noise"

    def corrupt(self, pictures: Tensor, generator: torch.Generator) -> Tensor:
        """The noisy pictures."""
        return add_normal_noise(pictures, DEVIATIONS[self.severity - 1], generator)


def add_normal_noise(images: Tensor, deviation: float, generator: torch.Generator) -> Tensor:
    """``images`` plus independent normal noise of mean 0; not clipped.

    The noise is drawn in float32 on the CPU in the order of the shape.

    Args:
        images: float, of any shape and range.
        deviation: standard deviation of the noise.
        generator: a CPU generator; it advances.

    Source: Hendrycks and Dietterich 2019; CIFAR-10-C.
    """
    import torch

    return images + deviation * torch.randn(images.shape, generator=generator).to(images)
