"""Impulse noise: some values are lost, black or white."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from critlab.deficits.images.corruptions.corruption import Corruption
from critlab.deficits.images.white_noise import white_noise_like

if TYPE_CHECKING:
    import torch
    from torch import Tensor

SHARES = (0.01, 0.02, 0.03, 0.05, 0.07)
"""The share of the values that is lost, for each severity."""


class ImpulseNoise(Corruption):
    """Sets values, independently in each channel, to 0 or to 1."""

    name: ClassVar[str] = "impulse_noise"

    def corrupt(self, pictures: Tensor, generator: torch.Generator) -> Tensor:
        """The pictures with values lost."""
        return lose_values(pictures, SHARES[self.severity - 1], generator)


def lose_values(images: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """``images`` with each value set to 0 or to 1, with probability ``share / 2`` each ("salt and pepper").

    Args:
        images: float, of any shape.
        share: from 0 to 1. What is lost with a smaller share is lost with a larger one.
        generator: a CPU generator; it advances.

    Source: Hendrycks and Dietterich 2019; CIFAR-10-C.
    """
    chance = white_noise_like(images, generator)
    return images.masked_fill(chance < share / 2, 0).masked_fill(chance >= 1 - share / 2, 1)
