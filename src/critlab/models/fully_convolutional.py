"""A small fully convolutional network with an answer at each pixel."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from critlab._core.errors import StudyError
from critlab.learning_tasks.learning_task import LearningTask
from critlab.models.blocks.convolution import check_images
from critlab.models.model import Model

if TYPE_CHECKING:
    from torch import nn

KERNEL = 3


class FullyConvolutional(Model):
    """Blocks of dilated convolution, BatchNorm and ReLU at full resolution, then a 1 x 1 convolution to the logits.

    Args:
        width: channels of every block.
        blocks: how many; the dilation doubles from block to block, so that a pixel sees ``2^(blocks + 1) - 1`` pixels
            in each direction.
        batch_norm: whether BatchNorm stands between each convolution and its ReLU.
    """

    name: ClassVar[str] = "fully_convolutional"
    citation: ClassVar[str] = "Yu and Koltun 2016, context module; sizes: ours"
    neutral: ClassVar[Mapping[str, Any]] = {}
    width: int = Field(default=32, ge=1)
    blocks: int = Field(default=4, ge=1, le=12)
    batch_norm: bool = True

    def check(self, example_shape: tuple[int, ...]) -> None:
        """Raises StudyError unless examples are ``(channels, height, width)``."""
        check_images(self.name, example_shape, 1)

    def check_task(self, task: LearningTask) -> None:
        """Raises StudyError unless the task asks for an answer at each pixel."""
        if task.unit != "pixel":
            raise StudyError(
                f"received {self.name!r}, which answers at each pixel, but {task.name} needs an answer for each "
                f"{task.unit}; choose another model"
            )

    def parameters(self, example_shape: tuple[int, ...], classes: int) -> int:
        """The number of trainable parameters."""
        self.check(example_shape)
        inputs = [example_shape[0], *[self.width] * (self.blocks - 1)]
        extra = 2 if self.batch_norm else 1
        return sum(self.width * (before * KERNEL**2 + extra) for before in inputs) + classes * (self.width + 1)

    def build(self, example_shape: tuple[int, ...], classes: int) -> nn.Module:
        """Blocks of dilated convolution, BatchNorm and ReLU, then a 1 x 1 convolution to the logits.

        A convolution has a bias only where no BatchNorm follows; the output has one. Layers are called
        ``block1.conv``, ``block1.norm``, ... and ``output``.

        Args:
            example_shape: ``(channels, height, width)``.
            classes: how many logits at each pixel.

        Returns:
            A module from float ``(N, channels, height, width)`` to logits ``(N, classes, height, width)``, initialised
            as torch does by default, from torch's global generator.

        Raises:
            StudyError: ``example_shape`` is no image.

        Source: Yu and Koltun 2016, with doubling dilation; sizes: ours.
        """
        from torch import nn

        self.check(example_shape)
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        channels = example_shape[0]
        for number in range(self.blocks):
            dilation = 2**number
            block: OrderedDict[str, nn.Module] = OrderedDict()
            block["conv"] = nn.Conv2d(
                channels, self.width, KERNEL, padding=dilation, dilation=dilation, bias=not self.batch_norm
            )
            if self.batch_norm:
                block["norm"] = nn.BatchNorm2d(self.width)
            block["relu"] = nn.ReLU(inplace=True)
            layers[f"block{number + 1}"] = nn.Sequential(block)
            channels = self.width
        layers["output"] = nn.Conv2d(channels, classes, 1)
        return nn.Sequential(layers)
