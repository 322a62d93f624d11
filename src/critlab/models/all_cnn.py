"""The all-convolutional network of the first paper: nine blocks and a global average."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from pydantic import Field

from critlab.errors import StudyError
from critlab.models.options import ModelOptions

if TYPE_CHECKING:
    from torch import nn

SMALLEST_SIDE = 14


class Block(NamedTuple):
    """One convolution's shape."""

    inputs: int
    outputs: int
    kernel: int
    stride: int


class AllCNNOptions(ModelOptions):
    """Options of :func:`build`.

    Args:
        width: channels of blocks 1 and 2; blocks 3 to 8 have twice as many. The paper's is 96.
        batch_norm: whether BatchNorm stands between each convolution and its ReLU.
    """

    width: int = Field(default=96, ge=1)
    batch_norm: bool = True

    def check(self, example_shape: tuple[int, ...]) -> None:
        """Raises StudyError unless examples are ``(channels, height, width)`` with sides of at least 14."""
        if len(example_shape) != 3 or min(example_shape[1:]) < SMALLEST_SIDE:
            raise StudyError(
                f"model 'all_cnn' takes images (channels, height, width) with sides of at least "
                f"{SMALLEST_SIDE}, received examples of shape {tuple(example_shape)}; "
                "pad the images or choose another model"
            )

    def parameters(self, example_shape: tuple[int, ...], classes: int) -> int:
        """The number of trainable parameters."""
        self.check(example_shape)
        # a block with BatchNorm has a scale and a shift for each output, one without has a bias
        extra = 2 if self.batch_norm else 1
        plan = blocks(example_shape[0], classes, self.width)
        return sum(b.outputs * (b.inputs * b.kernel**2 + extra) for b in plan)


def blocks(channels: int, classes: int, width: int) -> list[Block]:
    """The nine convolutions, from the image's channels to one channel for each class."""
    outputs = [width, width, *[2 * width] * 6, classes]
    inputs = [channels, *outputs[:-1]]
    kernels = [3] * 7 + [1, 1]
    strides = [1, 1, 2, 1, 1, 2, 1, 1, 1]
    return [Block(*shape) for shape in zip(inputs, outputs, kernels, strides, strict=True)]


def build(example_shape: tuple[int, ...], classes: int, options: AllCNNOptions) -> nn.Module:
    """Nine blocks of convolution, BatchNorm and ReLU, then the average over positions: the logits.

    The last block has BatchNorm and ReLU like the others, as the paper's list of layers has it, so logits
    are never negative; without BatchNorm it has no ReLU either, since a class whose logit is 0 everywhere
    would never learn. 3 x 3 convolutions are padded by 1; blocks 3 and 6 have stride 2. A convolution has
    a bias only where no BatchNorm follows. Layers are called ``block1.conv``, ``block1.norm``, ... and
    ``block9.norm``.

    Args:
        example_shape: ``(channels, height, width)``, both sides at least 14.
        classes: how many logits.
        options: width and BatchNorm.

    Returns:
        A module from float ``(N, channels, height, width)`` to logits ``(N, classes)``, initialised as
        torch does by default, from torch's global generator.

    Raises:
        StudyError: ``example_shape`` is no image of that size.

    Source: Achille, Rovere and Soatto 2019, appendix A; after Springenberg et al. 2015.
    """
    from torch import nn

    options.check(example_shape)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for number, shape in enumerate(blocks(example_shape[0], classes, options.width), start=1):
        layers[f"block{number}"] = _block(shape, options.batch_norm, relu=options.batch_norm or number < 9)
    layers["pool"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    return nn.Sequential(layers)


def _block(shape: Block, batch_norm: bool, *, relu: bool) -> nn.Module:
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
