"""Two towers of n blocks, one for each source: networks that differ in the depth before the sources meet."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from critlab.models.blocks.convolution import Convolution, layer
from critlab.models.blocks.sources import check_two_images, head_parameters
from critlab.models.depth_family import DepthFamily, plan
from critlab.models.model import Model

if TYPE_CHECKING:
    from torch import nn


class TwoTower(Model):
    """Two towers of a stem and n blocks, their sum, two mixing convolutions, the average over positions, the heads.

    Args:
        blocks: n, how often each tower halves the image and doubles the channels, at most 16. The paper's are 1 to 3.
        width: channels of a tower's first convolution. The paper's is 96.
        batch_norm: whether BatchNorm stands between each convolution and its ReLU.
        heads: 1, or 3 that answer for both sources, for A and for B.
    """

    name: ClassVar[str] = "two_tower"
    citation: ClassVar[str] = "Kleinman, Achille and Soatto 2023, effect of depth"

    source_layers: ClassVar[Mapping[str, str]] = {"A": "pathway_a", "B": "pathway_b"}
    blocks: int = Field(default=2, ge=1, le=16)
    width: int = Field(default=96, ge=1)
    batch_norm: bool = True
    heads: Literal[1, 3] = 1

    def check(self, example_shape: tuple[int, ...]) -> None:
        """Raises StudyError unless examples are two images whose sides can be halved ``blocks`` times."""
        check_two_images("two_tower", example_shape, 2**self.blocks)

    def parameters(self, example_shape: tuple[int, ...], classes: int) -> int:
        """The number of trainable parameters."""
        self.check(example_shape)
        tower, trunk = parts(example_shape[1], classes, self)
        counts = [
            sum(shape.parameters(batch_norm=self.batch_norm) for shape in part.values()) for part in (tower, trunk)
        ]
        return 2 * counts[0] + counts[1] + head_parameters(self.width * 2**self.blocks, classes, self.heads)

    def build(self, example_shape: tuple[int, ...], classes: int) -> nn.Module:
        """See :func:`build`."""
        return build(example_shape, classes, self)


def parts(channels: int, classes: int, options: TwoTower) -> tuple[dict[str, Convolution], dict[str, Convolution]]:
    """The convolutions of one tower, and those after the sum, by name: those of the depth family without its last."""
    family = DepthFamily(blocks=options.blocks, width=options.width, batch_norm=options.batch_norm)
    shapes = plan(channels, classes, family)
    trunk = {name: shapes[name] for name in ("mix3x3", "mix1x1")}
    return {name: shape for name, shape in shapes.items() if name not in (*trunk, "output")}, trunk


def build(example_shape: tuple[int, ...], classes: int, options: TwoTower) -> nn.Module:
    """Two towers of a stem and n blocks, their sum, two mixing convolutions, the average over positions, the heads.

    The towers and what follows are those of ``depth_family``. Its last 1 x 1 convolution, which is averaged over all
    positions, is here a linear map of the averaged features: the same function. Layers are called
    ``pathway_a.stem.conv``, ``pathway_b.block1a.conv``, ..., ``trunk.mix1x1.conv`` and ``heads.output``, or
    ``heads.both``, ``heads.a``, ``heads.b``.

    Args:
        example_shape: ``(2, channels, height, width)``, both sides at least ``2**blocks``.
        classes: how many logits.
        options: blocks, width, BatchNorm and heads.

    Returns:
        A module from float ``(N, 2, channels, height, width)`` to logits ``(N, classes)`` or ``(N, 3, classes)``,
        initialised as torch does by default, from torch's global generator; weights lie channels last.

    Raises:
        StudyError: ``example_shape`` is no two images of that size.

    Source: Kleinman, Achille and Soatto 2023, effect of depth; the code's ``DoubleNLayerDisciminator``.
    """
    import torch
    from torch import nn

    from critlab.models.two_pathways import TwoPathways, linear_heads

    options.check(example_shape)
    tower, trunk = parts(example_shape[1], classes, options)

    def built(shapes: dict[str, Convolution]) -> nn.Module:
        made = ((name, layer(shape, batch_norm=options.batch_norm, relu=True)) for name, shape in shapes.items())
        return nn.Sequential(OrderedDict(made))

    heads = linear_heads(options.width * 2**options.blocks, classes, options.heads)
    network = TwoPathways(built(tower), built(tower), built(trunk), heads)
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]
