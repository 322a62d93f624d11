"""Networks that differ in depth only: n blocks of two convolutions, then the same classifier."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from critlab.models.blocks.convolution import Convolution, check_images, layer
from critlab.models.model import Model

if TYPE_CHECKING:
    from torch import nn


class DepthFamily(Model):
    """A stem, n blocks, two mixing convolutions, one convolution to the classes, the average over positions.

    Args:
        blocks: n, how often the image is halved and the channels are doubled, at most 16. The
            paper's are 1, 2 and 3.
        width: channels of the first convolution; the last ones have ``width * 2**blocks``. The paper's is 96.
        batch_norm: whether BatchNorm stands between each convolution and its ReLU.
        dropout: the share of the values after each block that a training step leaves out. In the code: 0 or 0.5.
    """

    name: ClassVar[str] = "depth_family"
    citation: ClassVar[str] = (
        "Achille, Rovere and Soatto 2019, figure 2; layers after the code of Kleinman, Achille and Soatto 2023"
    )

    neutral: ClassVar[Mapping[str, Any]] = {"dropout": 0.0}

    blocks: int = Field(default=2, ge=1, le=16)
    width: int = Field(default=96, ge=1)
    batch_norm: bool = True
    dropout: float = Field(default=0.0, ge=0, lt=1)

    def check(self, example_shape: tuple[int, ...]) -> None:
        """Raises StudyError unless examples are images whose sides can be halved ``blocks`` times."""
        check_images("depth_family", example_shape, 2**self.blocks)

    def parameters(self, example_shape: tuple[int, ...], classes: int) -> int:
        """The number of trainable parameters."""
        self.check(example_shape)
        shapes = plan(example_shape[0], classes, self)
        output = shapes.pop("output").parameters(batch_norm=False)
        return output + sum(shape.parameters(batch_norm=self.batch_norm) for shape in shapes.values())

    def build(self, example_shape: tuple[int, ...], classes: int) -> nn.Module:
        """See :func:`build`."""
        return build(example_shape, classes, self)


def plan(channels: int, classes: int, options: DepthFamily) -> dict[str, Convolution]:
    """The convolutions by name, first to last: 4 + 2n of them."""
    width = options.width
    found = {"stem": Convolution(channels, width, 3)}
    for number in range(1, options.blocks + 1):
        found[f"block{number}a"] = Convolution(width, width, 3)
        found[f"block{number}b"] = Convolution(width, 2 * width, 3, stride=2)
        width *= 2
    found["mix3x3"] = Convolution(width, width, 3)
    found["mix1x1"] = Convolution(width, width, 1)
    found["output"] = Convolution(width, classes, 1)
    return found


def build(example_shape: tuple[int, ...], classes: int, options: DepthFamily) -> nn.Module:
    """A stem, n blocks, two mixing convolutions, one convolution to the classes, the average over positions.

    Block i keeps the channels in its first convolution and doubles them in its second, which has stride 2. Each
    convolution is followed by BatchNorm and ReLU, except the last, which has a bias and neither. Layers are called
    ``stem.conv``, ``stem.norm``, ``block1a.conv``, ``block1b.conv``, ..., ``mix3x3.conv``, ``mix1x1.conv`` and
    ``output.conv``.

    The first paper names the number of blocks and not the layers. This is one pathway of the n-block network in the
    code of Kleinman, Achille and Soatto 2023 (``DoubleNLayerDisciminator``), written by the same group for the
    same question, with the sum over its two views left out; that the first paper's nets were these is inferred. That
    code averages over ``32 / 2**n`` positions a side, which is all of them for 32 x 32; here it is all of them for
    every size.

    Args:
        example_shape: ``(channels, height, width)``, both sides at least ``2**blocks``.
        classes: how many logits.
        options: blocks, width, BatchNorm and dropout.

    Returns:
        A module from float ``(N, channels, height, width)`` to logits ``(N, classes)``, initialised as torch
        does by default, from torch's global generator.

    Raises:
        StudyError: ``example_shape`` is no image of that size.

    Source: Achille, Rovere and Soatto 2019, figure 2 (more damage in deeper networks).
    """
    from torch import nn

    options.check(example_shape)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for name, shape in plan(example_shape[0], classes, options).items():
        hidden = name != "output"
        layers[name] = layer(shape, batch_norm=hidden and options.batch_norm, relu=hidden)
        if options.dropout and shape.stride == 2:
            layers[f"{name}_dropout"] = nn.Dropout(options.dropout)
    layers["pool"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    return nn.Sequential(layers)
