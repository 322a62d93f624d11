"""One layer of a convolutional network: its shape, how many numbers it has, and how it is built."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from critlab._core.errors import StudyError

if TYPE_CHECKING:
    from torch import nn


class Convolution(NamedTuple):
    """A square convolution, padded so that stride 1 keeps the image's sides; stride 2 halves them, rounded up."""

    inputs: int
    outputs: int
    kernel: int
    stride: int = 1

    def parameters(self, *, batch_norm: bool) -> int:
        """Trainable numbers: with BatchNorm a scale and a shift for each output, without it a bias."""
        return self.outputs * (self.inputs * self.kernel**2 + (2 if batch_norm else 1))


def layer(shape: Convolution, *, batch_norm: bool, relu: bool) -> nn.Sequential:
    """``conv``, then ``norm`` and ``relu`` where asked for; a bias only where no BatchNorm follows.

    Returns:
        A module from float ``(N, inputs, height, width)`` to ``(N, outputs, ...)``, initialised as torch does by
        default, from torch's global generator.
    """
    from torch import nn

    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["conv"] = nn.Conv2d(
        shape.inputs,
        shape.outputs,
        shape.kernel,
        shape.stride,
        padding=shape.kernel // 2,
        bias=not batch_norm,
    )
    if batch_norm:
        layers["norm"] = nn.BatchNorm2d(shape.outputs)
    if relu:
        layers["relu"] = nn.ReLU(inplace=True)
    return nn.Sequential(layers)


def check_images(model: str, example_shape: tuple[int, ...], smallest: int) -> None:
    """Raises StudyError unless examples are ``(channels, height, width)`` with sides of at least ``smallest``."""
    if len(example_shape) != 3 or min(example_shape[1:]) < smallest:
        raise StudyError(
            f"model {model!r} takes images (channels, height, width) with sides of at least {smallest}, "
            f"received examples of shape {tuple(example_shape)}; pad the images or choose another model"
        )
