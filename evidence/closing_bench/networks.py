"""Small networks of many seeds at once: weights have a leading axis of networks, a layer is one batched product."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import prod

import numpy as np
import torch
from torch import Tensor

Weights = list[Tensor]
"""Matrices ``(networks, inputs, outputs)`` and biases ``(networks, 1, outputs)`` in turn."""


@dataclass(frozen=True)
class Convolution:
    """One convolution without padding.

    Args:
        kernel: rows and columns.
        stride: of both axes.
        channels: of its output.
    """

    kernel: tuple[int, int]
    stride: int
    channels: int

    def size(self, rows: int, columns: int) -> tuple[int, int]:
        """Rows and columns of the output."""
        return (rows - self.kernel[0]) // self.stride + 1, (columns - self.kernel[1]) // self.stride + 1


@dataclass(frozen=True)
class Network:
    """Convolutions, then fully connected layers; ReLU after each but the last.

    Args:
        example: rows and columns of an input, which has one channel.
        convolutions: in order; may be empty.
        hidden: widths of the hidden fully connected layers; may be empty.
        classes: outputs.
    """

    example: tuple[int, int]
    convolutions: tuple[Convolution, ...]
    hidden: tuple[int, ...]
    classes: int

    @property
    def layers(self) -> list[tuple[int, int]]:
        """Inputs and outputs of the matrix of each layer."""
        found, (rows, columns), channels = [], self.example, 1
        for one in self.convolutions:
            found.append((prod(one.kernel) * channels, one.channels))
            (rows, columns), channels = one.size(rows, columns), one.channels
        widths = [rows * columns * channels, *self.hidden, self.classes]
        return found + list(pairwise(widths))

    def newborn(self, seeds: list[int], dtype: torch.dtype = torch.float32) -> Weights:
        """Initial weights (He et al. 2015; the last layer with half the variance), one network a seed."""
        found: Weights = []
        for place, (inputs, outputs) in enumerate(self.layers):
            gain = 1.0 if place == len(self.layers) - 1 else 2.0
            drawn = [
                np.random.default_rng((seed, 0, place)).normal(0, (gain / inputs) ** 0.5, (inputs, outputs))
                for seed in seeds
            ]
            found += [torch.tensor(np.stack(drawn), dtype=dtype), torch.zeros(len(seeds), 1, outputs, dtype=dtype)]
        return found

    def answers(self, weights: Weights, examples: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and features of the last hidden layer.

        Args:
            weights: of all networks.
            examples: ``(networks, batch, rows, columns)``.

        Returns:
            ``(networks, batch, classes)`` and ``(networks, batch, features)``.
        """
        networks, batch = examples.shape[:2]
        signal, place = examples[..., None], 0
        for one in self.convolutions:
            patches = _patches(signal, one)
            rows, columns = patches.shape[2:4]
            flat = patches.reshape(networks, batch * rows * columns, -1)
            signal = torch.baddbmm(weights[place + 1], flat, weights[place]).relu()
            signal, place = signal.view(networks, batch, rows, columns, -1), place + 2
        features = signal.reshape(networks, batch, -1)
        for later in range(place, len(weights) - 2, 2):
            features = torch.baddbmm(weights[later + 1], features, weights[later]).relu()
        return torch.baddbmm(weights[-1], features, weights[-2]), features


def _patches(signal: Tensor, one: Convolution) -> Tensor:
    """``(networks, batch, rows, columns, kernel * channels)``: slices, whose gradient is cheaper than unfold's."""
    height, width = one.size(*signal.shape[2:4])
    parts = [
        signal[
            :,
            :,
            row : row + (height - 1) * one.stride + 1 : one.stride,
            column : column + (width - 1) * one.stride + 1 : one.stride,
        ]
        for row in range(one.kernel[0])
        for column in range(one.kernel[1])
    ]
    return torch.cat(parts, dim=-1)


def losses(logits: Tensor, labels: Tensor) -> Tensor:
    """The mean cross-entropy of each network, ``(networks,)``; labels int64 ``(networks, batch)``."""
    return -logits.log_softmax(-1).gather(-1, labels[..., None]).squeeze(-1).mean(-1)


def tiled(weights: Weights, times: int) -> Weights:
    """Each network ``times`` in a row, as leaves of their own."""
    return [one.repeat_interleave(times, 0).requires_grad_() for one in weights]
