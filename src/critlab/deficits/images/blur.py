"""Blur: images lose their fine structure, as an eye behind a cataract does."""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from critlab._core.errors import StudyError
from critlab.deficits.batch_context import BatchContext
from critlab.deficits.deficit import Deficit, InputKind, LabelKind
from critlab.deficits.layout import check_images

if TYPE_CHECKING:
    from torch import Tensor


class Blur(Deficit):
    """Downscales each image by ``factor`` with antialiasing, and scales it back.

    Args:
        factor: at least 2, at most the smaller side of the image; 4 turns 32 x 32 into 8 x 8 and back. Small sides are
            rounded down, so that factors that do not divide a side may be the same: 28 x 28 becomes 2 x 2 by each
            factor from 10 to 14.
    """

    name: ClassVar[str] = "blur"
    citation: ClassVar[str] = "Achille, Rovere and Soatto 2019, section 2, figure 1"
    input_kind: ClassVar[InputKind] = "equivariant"
    label_kind: ClassVar[LabelKind] = "unread"
    factor: int = Field(ge=2)

    def check(self, example_shape: tuple[int, ...]) -> None:
        """Raises StudyError unless examples are images whose sides are at least ``factor``."""
        check_images(self.name, example_shape)
        side = min(example_shape[-2:])
        if self.factor > side:
            raise StudyError(
                f"deficit.factor: received {self.factor}; must be from 2 to the image's smaller side, {side}"
            )

    def effect(self, example_shape: tuple[int, ...]) -> Hashable:
        """The small size, and all but the factor."""
        return (*self._small(example_shape), self.model_copy(update={"factor": 2}))

    def remark(self, example_shape: tuple[int, ...]) -> str:
        """The small size, where the factor does not divide a side."""
        sides = self._sides(example_shape)
        if all(side % self.factor == 0 for side in sides):
            return ""
        alike = [
            other
            for other in range(2, min(sides) + 1)
            if self._small(example_shape, other) == self._small(example_shape)
        ]
        others = f", as does every factor from {alike[0]} to {alike[-1]}" if len(alike) > 1 else ""
        small = " x ".join(map(str, self._small(example_shape)))
        return f"by {self.factor} scales {' x '.join(map(str, sides))} down to {small}{others}"

    def _sides(self, example_shape: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(example_shape[-2:])

    def _small(self, example_shape: tuple[int, ...], factor: int | None = None) -> tuple[int, ...]:
        return tuple(small_side(side, factor or self.factor) for side in self._sides(example_shape))

    def apply(self, images: Tensor, labels: Tensor, draws: BatchContext) -> tuple[Tensor, Tensor]:
        """Blurred images; the labels are kept."""
        blurred = blur(images, self.factor)
        # each pixel is a weighted mean of pixels, so only rounding can leave [0, 1]
        return (blurred.clamp_(0, 1) if draws.unit else blurred), labels


def blur(images: Tensor, factor: int) -> Tensor:
    """Images scaled down to ``side // factor`` (at least 1) and back up, bilinearly with antialiasing.

    Both steps are linear, so each axis is one small matrix: two matrix products, not two interpolations.

    Args:
        images: float ``(..., height, width)``, of any range.
        factor: at least 1.

    Returns:
        The same shape and dtype, within the range of the input up to rounding.

    Error: within 2/255 of Pillow's ``BILINEAR`` resize of 8-bit images, which rounds after every pass.

    Source: Achille, Rovere and Soatto 2019, section 2.
    """
    rows, columns = _operator(images.shape[-2], factor), _operator(images.shape[-1], factor)
    return rows.to(images) @ (images @ columns.T.to(images))


def small_side(side: int, factor: int) -> int:
    """Pixels of a side that was scaled down by ``factor``."""
    return max(1, side // factor)


@lru_cache(maxsize=64)
def _operator(side: int, factor: int) -> Tensor:
    """Float64 ``(side, side)``: what the blur does along one axis; each row sums to 1."""
    import torch

    small = small_side(side, factor)
    with torch.inference_mode(False), torch.no_grad():  # the cached matrix outlives the caller's mode
        return _resize(small, side) @ _resize(side, small)


def _resize(before: int, after: int) -> Tensor:
    """Float64 ``(after, before)``: torch's antialiased bilinear resize of one axis."""
    import torch
    from torch.nn.functional import interpolate

    # the identity as one image: as a batch of columns, (before, 1, before, 1), torch 2.13 gives wrong rows
    identity = torch.eye(before, dtype=torch.float64)[None, None]
    return interpolate(identity, size=(after, before), mode="bilinear", antialias=True)[0, 0]
