"""Pixelation: fewer and larger pixels."""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from critlab.deficits.deficit import InputKind
from critlab.deficits.images.corruptions.corruption import Corruption

if TYPE_CHECKING:
    import torch
    from torch import Tensor

SCALES = (0.95, 0.9, 0.85, 0.75, 0.65)
"""What is left of each side, for each severity."""


class Pixelate(Corruption):
    """Scales each image down and back up by whole pixels ("box")."""

    name: ClassVar[str] = "pixelate"
    input_kind: ClassVar[InputKind] = "equivariant"
    smallest_side: ClassVar[int] = 2

    def effect(self, example_shape: tuple[int, ...]) -> Hashable:
        """The small size, and all but the severity: on small images several severities are the same."""
        scale = SCALES[self.severity - 1]
        return (*(small_side(side, scale) for side in example_shape[-2:]), self.model_copy(update={"severity": 1}))

    def corrupt(self, pictures: Tensor, generator: torch.Generator) -> Tensor:
        """The coarse pictures; nothing is drawn."""
        return pixelate(pictures, SCALES[self.severity - 1])


def pixelate(images: Tensor, scale: float) -> Tensor:
    """Images scaled to ``int(side * scale)`` and back, where each new pixel is a mean of whole old ones.

    Args:
        images: float ``(..., height, width)``, of any range.
        scale: at most 1; no side may become 0.

    Returns:
        The same shape and dtype, within the range of the input up to rounding.

    Error: within 1/255 of Pillow's ``BOX`` resize of 8-bit images, which rounds after every pass.

    Source: Hendrycks and Dietterich 2019; CIFAR-10-C.
    """
    rows, columns = _operator(images.shape[-2], scale), _operator(images.shape[-1], scale)
    return rows.to(images) @ (images @ columns.T.to(images))


def small_side(side: int, scale: float) -> int:
    """Pixels of a side that was scaled down to ``scale`` of it."""
    return int(side * scale)


@lru_cache(maxsize=64)
def _operator(side: int, scale: float) -> Tensor:
    """Float64 ``(side, side)``: what pixelation does along one axis; each row sums to 1."""
    import torch

    small = small_side(side, scale)
    with torch.inference_mode(False), torch.no_grad():  # the cached matrix outlives the caller's mode
        return _box(small, side) @ _box(side, small)


def _box(before: int, after: int) -> Tensor:
    """Float64 ``(after, before)``: each new pixel is the mean of the old ones whose centres lie within it."""
    import torch

    scale = before / after
    middles = ((torch.arange(after, dtype=torch.float64) + 0.5) * scale)[:, None]
    away = torch.arange(before, dtype=torch.float64) + 0.5 - middles
    # a new pixel that is smaller than an old one takes the old one in which its middle lies
    reach = max(scale, 1.0) / 2
    inside = ((away > -reach) & (away <= reach)).double()
    return inside / inside.sum(1, keepdim=True)
