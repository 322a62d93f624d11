"""The all-convolutional network of the first paper: nine blocks and a global average."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from critlab._core.errors import StudyError
from critlab.learning_tasks.learning_task import LearningTask
from critlab.models.blocks.convolution import Convolution, check_images, layer
from critlab.models.model import Model

if TYPE_CHECKING:
    from torch import nn

SMALLEST_SIDE = 14


class AllCNN(Model):
    """Nine blocks of convolution, BatchNorm and ReLU, then the average over positions: the logits.

    Args:
        width: channels of blocks 1 and 2; blocks 3 to 8 have twice as many. The paper's is 96.
        batch_norm: whether BatchNorm stands between each convolution and its ReLU.
        linear_output: whether the last convolution has neither BatchNorm nor ReLU, so that outputs may be negative, as
            tasks with one logit, several labels or numbers need.
    """

    name: ClassVar[str] = "all_cnn"
    citation: ClassVar[str] = "Achille, Rovere and Soatto 2019, appendix A"

    width: int = Field(default=96, ge=1)
    batch_norm: bool = True
    linear_output: bool = Field(default=False, exclude_if=lambda linear: not linear)

    def check_task(self, task: LearningTask) -> None:
        """Raises StudyError where outputs must be of either sign and ``linear_output`` does not make them so."""
        super().check_task(task)
        if not task.names_classes and self.batch_norm and not self.linear_output:
            raise StudyError(
                f"linear_output: received false; must be true for {task.name}, because the last ReLU leaves no "
                "negative output"
            )

    def check(self, example_shape: tuple[int, ...]) -> None:
        """Raises StudyError unless examples are ``(channels, height, width)`` with sides of at least 14."""
        check_images("all_cnn", example_shape, SMALLEST_SIDE)

    def parameters(self, example_shape: tuple[int, ...], classes: int) -> int:
        """The number of trainable parameters."""
        self.check(example_shape)
        plan = blocks(example_shape[0], classes, self.width)
        *before, last = (block.parameters(batch_norm=self.batch_norm) for block in plan)
        return sum(before) + (plan[-1].parameters(batch_norm=False) if self.linear_output else last)

    def build(self, example_shape: tuple[int, ...], classes: int) -> nn.Module:
        """See :func:`build`."""
        return build(example_shape, classes, self)


def blocks(channels: int, classes: int, width: int) -> list[Convolution]:
    """The nine convolutions, from the image's channels to one channel for each class."""
    outputs = [width, width, *[2 * width] * 6, classes]
    inputs = [channels, *outputs[:-1]]
    kernels = [3] * 7 + [1, 1]
    strides = [1, 1, 2, 1, 1, 2, 1, 1, 1]
    return [Convolution(*shape) for shape in zip(inputs, outputs, kernels, strides, strict=True)]


def build(example_shape: tuple[int, ...], classes: int, options: AllCNN) -> nn.Module:
    """Nine blocks of convolution, BatchNorm and ReLU, then the average over positions: the logits.

    The last block has BatchNorm and ReLU like the others, as the paper's list of layers has it, so logits
    are never negative. With ``linear_output`` it has neither; without BatchNorm it has no ReLU either, since a class
    whose logit is 0 everywhere would never learn. 3 x 3 convolutions are padded by 1; blocks 3 and 6 have stride 2. A
    convolution has a bias only where no BatchNorm follows. Layers are called ``block1.conv``, ``block1.norm``, ... and
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
        norm = options.batch_norm and not (options.linear_output and number == 9)
        layers[f"block{number}"] = layer(shape, batch_norm=norm, relu=norm or number < 9)
    layers["pool"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    return nn.Sequential(layers)
