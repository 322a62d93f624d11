"""ResNet-18 as it is used on images of 32 x 32: a 3 x 3 stem and no pooling before the end."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from pydantic import Field

from critlab.models.blocks.convolution import Convolution, check_images, layer
from critlab.models.model import Model

if TYPE_CHECKING:
    from torch import nn

STAGES, BLOCKS = 4, 2
SMALLEST_SIDE = 8
"""Three stages halve the image."""


class ResNet18(Model):
    """A stem, four stages of two residual blocks, the average over positions, a linear map to the logits.

    Args:
        width: channels of the stem and of stage 1; each later stage has twice as many. The usual one is 64.
    """

    name: ClassVar[str] = "resnet18"
    citation: ClassVar[str] = "He et al. 2016; Achille, Rovere and Soatto 2019, figure 1"

    width: int = Field(default=64, ge=1)

    def check(self, example_shape: tuple[int, ...]) -> None:
        """Raises StudyError unless examples are ``(channels, height, width)`` with sides of at least 8."""
        check_images("resnet18", example_shape, SMALLEST_SIDE)

    def parameters(self, example_shape: tuple[int, ...], classes: int) -> int:
        """The number of trainable parameters."""
        self.check(example_shape)
        shapes = list(blocks(self.width).values())
        stem = Convolution(example_shape[0], self.width, 3)
        convolutions = [stem, *(convolution for shape in shapes for convolution in shape.convolutions)]
        output = classes * (shapes[-1].outputs + 1)
        return output + sum(convolution.parameters(batch_norm=True) for convolution in convolutions)

    def build(self, example_shape: tuple[int, ...], classes: int) -> nn.Module:
        """See :func:`build`."""
        return build(example_shape, classes, self)


class BlockShape(NamedTuple):
    """One residual block: two 3 x 3 convolutions and a shortcut."""

    inputs: int
    outputs: int
    stride: int

    @property
    def first(self) -> Convolution:
        """The convolution that may change channels and sides."""
        return Convolution(self.inputs, self.outputs, 3, self.stride)

    @property
    def second(self) -> Convolution:
        """The convolution that keeps them."""
        return Convolution(self.outputs, self.outputs, 3)

    @property
    def shortcut(self) -> Convolution | None:
        """The 1 x 1 convolution past the block; None where the image passes as it is."""
        same = self.inputs == self.outputs and self.stride == 1
        return None if same else Convolution(self.inputs, self.outputs, 1, self.stride)

    @property
    def convolutions(self) -> list[Convolution]:
        """All of them."""
        return [self.first, self.second, *([self.shortcut] if self.shortcut else [])]


def blocks(width: int) -> dict[str, BlockShape]:
    """The eight blocks by name, first to last; the first block of stages 2, 3 and 4 halves the image."""
    found, inputs, outputs = {}, width, width
    for stage in range(1, STAGES + 1):
        for number in range(1, BLOCKS + 1):
            stride = 2 if stage > 1 and number == 1 else 1
            found[f"stage{stage}block{number}"] = BlockShape(inputs, outputs, stride)
            inputs = outputs
        outputs = 2 * outputs
    return found


def build(example_shape: tuple[int, ...], classes: int, options: ResNet18) -> nn.Module:
    """A stem, four stages of two residual blocks, the average over positions, a linear map to the logits.

    A block is convolution, BatchNorm, ReLU, convolution, BatchNorm, then the sum with the shortcut, then ReLU
    (activation after the sum). Where a block changes channels or sides, its shortcut is a 1 x 1 convolution with
    BatchNorm. Layers are called ``stem.conv``, ``stem.norm``, ``stage1block1.first.conv``,
    ``stage1block1.second.norm``, ``stage2block1.shortcut.conv``, ... and ``output``.

    The first paper says ResNet-18 and no more; the 3 x 3 stem without pooling is what 32 x 32 images need and what
    is usual for them. The same group's later code activates before each convolution instead.

    Args:
        example_shape: ``(channels, height, width)``, both sides at least 8.
        classes: how many logits.
        options: the width.

    Returns:
        A module from float ``(N, channels, height, width)`` to logits ``(N, classes)``, initialised as torch
        does by default, from torch's global generator.

    Raises:
        StudyError: ``example_shape`` is no image of that size.

    Source: He et al. 2016, Deep Residual Learning for Image Recognition, section 3.3 and table 1; in Achille, Rovere
    and Soatto 2019, figure 1.
    """
    from torch import nn

    from critlab.models.blocks.residual_block import ResidualBlock

    options.check(example_shape)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["stem"] = layer(Convolution(example_shape[0], options.width, 3), batch_norm=True, relu=True)
    shapes = blocks(options.width)
    for name, shape in shapes.items():
        layers[name] = ResidualBlock(shape)
    layers["pool"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    layers["output"] = nn.Linear(list(shapes.values())[-1].outputs, classes)
    return nn.Sequential(layers)
