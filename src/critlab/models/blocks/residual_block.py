"""The residual block as a module; apart from its options, which need no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from critlab.models.blocks.convolution import layer

if TYPE_CHECKING:
    from critlab.models.resnet import BlockShape


class ResidualBlock(nn.Module):
    """``relu(second(first(x)) + shortcut(x))``, from ``(N, inputs, H, W)`` to ``(N, outputs, H/stride, W/stride)``.

    Args:
        shape: channels and stride; ``shortcut`` is the identity where it has no convolution.

    Source: He et al. 2016, figure 2 and equations 1 and 2, with BatchNorm after each convolution (section 3.4).
    """

    def __init__(self, shape: BlockShape) -> None:
        super().__init__()
        self.first = layer(shape.first, batch_norm=True, relu=True)
        self.second = layer(shape.second, batch_norm=True, relu=False)
        self.shortcut = layer(shape.shortcut, batch_norm=True, relu=False) if shape.shortcut else nn.Identity()
        self.relu = nn.ReLU(inplace=True)

    def forward(self, images: Tensor) -> Tensor:
        """The block's features."""
        found: Tensor = self.relu(self.second(self.first(images)) + self.shortcut(images))
        return found
