"""A small transformer of one stream for each source, whose tokens meet in shared blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field, model_validator

from critlab._core.errors import StudyError
from critlab._core.problems import Problems
from critlab.models.model import Model

if TYPE_CHECKING:
    from torch import nn


class TwoStreamTransformer(Model):
    """One stream for each source, shared blocks, the mean over all tokens, a linear map to the logits.

    Args:
        width: numbers of a token; a multiple of ``attention_heads``.
        patch: side of the square that one token stands for; it divides both sides of the image.
        stream_blocks: blocks in which the tokens of one source see each other alone.
        shared_blocks: blocks in which all tokens see each other.
        attention_heads: of every block.
        reconstruction: whether there is a second head that predicts hidden patches, for
            ``cross_source_reconstruction``.
    """

    name: ClassVar[str] = "two_stream_transformer"
    citation: ClassVar[str] = "after Yan et al. 2022, as used by Kleinman, Achille and Soatto 2023; sizes: ours"

    source_layers: ClassVar[Mapping[str, str]] = {"A": "streams.0", "B": "streams.1"}
    neutral: ClassVar[Mapping[str, Any]] = {"reconstruction": False}
    width: int = Field(default=64, ge=1)
    patch: int = Field(default=4, ge=1)
    stream_blocks: int = Field(default=2, ge=0)
    shared_blocks: int = Field(default=2, ge=1)
    attention_heads: int = Field(default=2, ge=1)
    reconstruction: bool = False

    @model_validator(mode="after")
    def _heads_divide_the_width(self) -> Self:
        if self.width % self.attention_heads:
            text = f"received {self.width}; must be a multiple of attention_heads, which is {self.attention_heads}"
            raise Problems([(("width",), text)])
        return self

    def check(self, example_shape: tuple[int, ...]) -> None:
        """Raises StudyError unless examples are 2 or more images that ``patch`` divides."""
        if len(example_shape) != 4 or example_shape[0] < 2 or any(side % self.patch for side in example_shape[2:]):
            raise StudyError(
                f"model 'two_stream_transformer' takes 2 or more images (sources, channels, height, width) with sides "
                f"that are multiples of patch, {self.patch}; received examples of shape {tuple(example_shape)}; take "
                "other data, such as moving_patterns, or another patch"
            )

    def parameters(self, example_shape: tuple[int, ...], classes: int) -> int:
        """The number of trainable parameters."""
        self.check(example_shape)
        sources, channels, height, width = example_shape
        numbers = channels * self.patch**2
        tokens = (height // self.patch) * (width // self.patch)
        stream = self.width * (numbers + 1 + tokens) + self.stream_blocks * self._block
        decoder = (self.width + 1) * numbers + self.width if self.reconstruction else 0
        output = 2 * self.width + classes * (self.width + 1)
        return sources * stream + self.shared_blocks * self._block + output + decoder

    @property
    def _block(self) -> int:
        """Trainable numbers of a block: two norms, queries, keys, values and their way out, two layers of 4 widths."""
        return 12 * self.width**2 + 13 * self.width

    def build(self, example_shape: tuple[int, ...], classes: int) -> nn.Module:
        """See :func:`build`."""
        return build(example_shape, classes, self)


def build(example_shape: tuple[int, ...], classes: int, options: TwoStreamTransformer) -> nn.Module:
    """One stream for each source, shared blocks, the mean over all tokens, a linear map to the logits.

    A stream cuts its image into patches, makes a token of each by its own linear map, adds its own learned positions,
    and has its own blocks. Blocks are pre-norm with GELU. Layers are called ``streams.0.embedding``,
    ``streams.1.blocks.0.attend``, ``shared.0.widen``, ..., ``features`` (the mean over tokens, after a norm, which
    measures of sources read) and ``output``.

    The paper's network for video has two views of a clip as its streams (Yan et al. 2022) and is far larger; its code
    is not public, so sizes and details here are ours.

    Args:
        example_shape: ``(sources, channels, height, width)``.
        classes: how many logits.
        options: sizes.

    Returns:
        A module from float ``(N, sources, channels, height, width)`` to logits ``(N, classes)``, initialised as torch
        does by default, positions normal with deviation 0.02, from torch's global generator.

    Raises:
        StudyError: ``example_shape`` is no two or more images that ``patch`` divides.

    Source: after Yan et al. 2022, Multiview Transformers for Video Recognition, as used by Kleinman, Achille and Soatto
    2023 on video.
    """
    from critlab.models.blocks.streams import TwoStreamNetwork

    options.check(example_shape)
    return TwoStreamNetwork(example_shape, classes, options)
