"""Users' models whose strided 1 x 1 convolution has few channels, as a module and as a call."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Narrow(nn.Module):
    """A 3 x 3 convolution to four channels, a 1 x 1 one of stride 2, the average over positions, a linear map."""

    def __init__(self, channels: int, classes: int, called: bool) -> None:
        super().__init__()
        self.called = called
        self.first = nn.Conv2d(channels, 4, 3, padding=1)
        self.shortcut = nn.Conv2d(4, 8, 1, stride=2)
        self.head = nn.Linear(8, classes)

    def forward(self, images: Tensor) -> Tensor:
        features = torch.relu(self.first(images))
        shortcut = self.shortcut
        if self.called:
            halved = nn.functional.conv2d(features, shortcut.weight, shortcut.bias, stride=2)
        else:
            halved = shortcut(features)
        found: Tensor = self.head(torch.tanh(halved).mean((2, 3)))
        return found


def module(example_shape: tuple[int, ...], classes: int) -> nn.Module:
    return Narrow(example_shape[0], classes, called=False)


def call(example_shape: tuple[int, ...], classes: int) -> nn.Module:
    return Narrow(example_shape[0], classes, called=True)
