"""The residual block that activates before each convolution, as a module."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PreActivationBlock(nn.Module):
    """``second(relu(norm2(first(x')))) + shortcut``, with ``x' = relu(norm1(x))``.

    The shortcut is x itself or, where channels or sides change, a 1 x 1 convolution of x' without BatchNorm.

    Args:
        inputs: channels before.
        outputs: channels after.
        stride: of the first convolution.

    Source: He et al. 2016, Identity Mappings in Deep Residual Networks, figure 4e; shortcut as in the code of Kleinman,
    Achille and Soatto 2023.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.first = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.shortcut: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        """The block's features."""
        active = torch.relu(self.norm1(images))
        found: Tensor = self.second(torch.relu(self.norm2(self.first(active))))
        return found + (images if self.shortcut is None else self.shortcut(active))
