"""Swap noise: some values of each example are taken from another one; every feature keeps its distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from critlab.deficits.batch_context import BatchContext
from critlab.deficits.deficit import Deficit, InputKind, LabelKind

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class SwapNoise(Deficit):
    """Replaces values at random by the same feature's value in a random example of the batch, in each step.

    Args:
        share: of the values that are replaced.
    """

    name: ClassVar[str] = "swap_noise"
    citation: ClassVar[str] = "Yoon et al. 2020 (VIME), section 3; as a deficit: ours"
    input_kind: ClassVar[InputKind] = "any"
    label_kind: ClassVar[LabelKind] = "unread"
    share: float = Field(gt=0, le=1)

    def apply(self, images: Tensor, labels: Tensor, draws: BatchContext) -> tuple[Tensor, Tensor]:
        """Examples of any shape, dtype and range, with strange values among their own; the labels are kept.

        Padding neither receives a value nor gives one.
        """
        return swapped(images, self.share, draws.step(), draws.mask), labels


def swapped(values: Tensor, share: float, generator: torch.Generator, mask: Tensor | None = None) -> Tensor:
    """``values`` ``(batch, ...)``, each with probability ``share`` that of a uniformly drawn example, at its own place.

    Args:
        values: of any dtype.
        share: between 0 and 1.
        generator: a CPU generator; it advances.
        mask: bool ``(batch, places)``, False for places that keep their value and are not given to others; None is all.

    Source: a common noise of autoencoders for tables; as corruption for learning, Yoon et al. 2020 (VIME), section 3.
    """
    import torch

    strange = (torch.rand(values.shape, generator=generator) < share).to(values.device)
    others = torch.randint(len(values), values.shape, generator=generator).to(values.device)
    if mask is not None:
        real = mask.to(values.device).reshape(*mask.shape, *[1] * (values.ndim - 2)).expand_as(values)
        strange = strange & real & real.gather(0, others)
    return torch.where(strange, values.gather(0, others), values)
