"""The split ResNet-18 of the second paper: two pathways for two sources, added halfway."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from pydantic import Field

from critlab.models.blocks.convolution import Convolution, layer
from critlab.models.blocks.sources import check_two_images, head_parameters
from critlab.models.model import Model

if TYPE_CHECKING:
    from torch import nn

SMALLEST_SIDE = 8
PATHWAY, TRUNK = (1, 2), (3, 4)
"""The stages of each pathway, and those after the sum."""


class SplitResNet18(Model):
    """Two pathways of a stem and stages 1 and 2, their sum, stages 3 and 4, the average over positions, the heads.

    Args:
        width: channels of the stem and of stage 1; each later stage has twice as many. The paper's is 64.
        heads: 1, or 3 that answer for both sources, for A and for B, for the paper's dissociated sources.
    """

    name: ClassVar[str] = "split_resnet18"
    citation: ClassVar[str] = "Kleinman, Achille and Soatto 2023, section 4"

    source_layers: ClassVar[Mapping[str, str]] = {"A": "pathway_a", "B": "pathway_b"}
    width: int = Field(default=64, ge=1)
    heads: Literal[1, 3] = 1

    def check(self, example_shape: tuple[int, ...]) -> None:
        """Raises StudyError unless examples are ``(2, channels, height, width)`` with sides of at least 8."""
        check_two_images("split_resnet18", example_shape, SMALLEST_SIDE)

    def parameters(self, example_shape: tuple[int, ...], classes: int) -> int:
        """The number of trainable parameters."""
        self.check(example_shape)
        stem = Convolution(example_shape[1], self.width, 3).parameters(batch_norm=True)
        pathway = stem + sum(shape.parameters for shape in blocks(self.width, PATHWAY).values())
        trunk = sum(shape.parameters for shape in blocks(self.width, TRUNK).values())
        return 2 * pathway + trunk + head_parameters(8 * self.width, classes, self.heads)

    def build(self, example_shape: tuple[int, ...], classes: int) -> nn.Module:
        """See :func:`build`."""
        return build(example_shape, classes, self)


class PreActivationShape(NamedTuple):
    """One residual block that activates before each convolution."""

    inputs: int
    outputs: int
    stride: int

    @property
    def parameters(self) -> int:
        """Trainable numbers: two BatchNorms, two 3 x 3 convolutions, and a 1 x 1 one where the shape changes."""
        shortcut = self.inputs * self.outputs if self.stride != 1 or self.inputs != self.outputs else 0
        return 2 * (self.inputs + self.outputs) + 9 * self.outputs * (self.inputs + self.outputs) + shortcut


def blocks(width: int, stages: tuple[int, ...]) -> dict[str, PreActivationShape]:
    """The blocks of ``stages`` by name, two each; every stage but the first halves the image and doubles channels."""
    found = {}
    for stage in stages:
        outputs = width * 2 ** (stage - 1)
        found[f"stage{stage}block1"] = PreActivationShape(max(outputs // 2, width), outputs, 1 if stage == 1 else 2)
        found[f"stage{stage}block2"] = PreActivationShape(outputs, outputs, 1)
    return found


def build(example_shape: tuple[int, ...], classes: int, options: SplitResNet18) -> nn.Module:
    """Two pathways of a stem and stages 1 and 2, their sum, stages 3 and 4, the average over positions, the heads.

    Blocks activate before each convolution; nothing follows the last block's sum, so its units are no ReLUs. Layers are
    called ``pathway_a.stem.conv``, ``pathway_b.stage1block1.first``, ..., ``trunk.stage4block2.second`` and
    ``heads.output``, or ``heads.both``, ``heads.a``, ``heads.b``.

    Args:
        example_shape: ``(2, channels, height, width)``, both sides at least 8.
        classes: how many logits.
        options: width and heads.

    Returns:
        A module from float ``(N, 2, channels, height, width)`` to logits ``(N, classes)`` or ``(N, 3, classes)``,
        initialised as torch does by default, from torch's global generator; weights lie channels last.

    Raises:
        StudyError: ``example_shape`` is no two images of that size.

    Source: Kleinman, Achille and Soatto 2023, section 4; the code's ``SResNet18`` and ``SResNet18MultiHead``.
    """
    import torch

    from critlab.models.two_pathways import TwoPathways, linear_heads

    options.check(example_shape)
    pathway_a, pathway_b = (_pathway(example_shape[1], options.width) for _ in "ab")
    heads = linear_heads(8 * options.width, classes, options.heads)
    network = TwoPathways(pathway_a, pathway_b, _stages(options.width, TRUNK), heads)
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def _pathway(channels: int, width: int) -> nn.Module:
    from torch import nn

    stem = layer(Convolution(channels, width, 3), batch_norm=True, relu=True)
    stages = _stages(width, PATHWAY).named_children()
    return nn.Sequential(OrderedDict([("stem", stem), *stages]))


def _stages(width: int, stages: tuple[int, ...]) -> nn.Sequential:
    from torch import nn

    from critlab.models.blocks.preactivation_block import PreActivationBlock

    shapes = blocks(width, stages)
    return nn.Sequential(OrderedDict((name, PreActivationBlock(*shape)) for name, shape in shapes.items()))
