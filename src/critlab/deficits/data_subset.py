"""Data subset: only a few of the images are ever seen, the same ones for as long as it lasts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import Field, model_validator

from critlab._core.errors import StudyError
from critlab._core.problems import Problems
from critlab.deficits.batch_context import BatchContext
from critlab.deficits.deficit import Deficit, InputKind, LabelKind

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class DataSubset(Deficit):
    """Shows a class-balanced part of the training images, drawn once per run; one of the two options is required.

    The other images are left out of the order of each epoch, so that such an epoch has fewer steps. In a user's own
    loader they are left out of each batch, which becomes smaller unless ``DeficitLoader(..., refill=True)`` fills it.

    Args:
        fraction: the share of the training images that is shown, between 0 and 1; rounded, and at least one image.
        count: how many images are shown, at least 2.
    """

    name: ClassVar[str] = "data_subset"
    citation: ClassVar[str] = "Ash and Adams 2020, figure 1 (warm start)"
    input_kind: ClassVar[InputKind] = "unread"
    label_kind: ClassVar[LabelKind] = "unread"
    fraction: Annotated[float, Field(gt=0, lt=1)] | None = None
    count: Annotated[int, Field(ge=2)] | None = None

    @model_validator(mode="after")
    def _one_of_the_two(self) -> Self:
        if self.fraction is None and self.count is None:
            raise Problems([(("fraction",), "required, but missing; or give count, a number of images")])
        if self.fraction is not None and self.count is not None:
            text = f"received {self.count} together with fraction = {self.fraction}; give only one"
            raise Problems([(("count",), text)])
        return self

    def select(self, labels: Tensor, draws: BatchContext) -> Tensor:
        """The images that are shown.

        Raises:
            StudyError: there are fewer than ``count``.
        """
        if self.count is not None and self.count > draws.examples:
            raise StudyError(f"deficit.count: received {self.count:,}; must be at most {draws.examples:,}, all images")
        count = self.count or max(1, round((self.fraction or 0.0) * draws.examples))
        return random_balanced(labels, count, draws.run())


def random_balanced(labels: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """The places of ``count`` random images, as even over the classes as the labels allow.

    The images of each class are numbered in random order, and those with the lowest numbers are taken; among equal
    numbers chance decides. So classes differ by at most one image, except those that have no more.

    Args:
        labels: int64 ``(N,)`` or ``(N, heads)``; with heads, the first one is balanced; -1 counts as a class.
        count: from 0 to N.
        generator: a CPU generator; it advances.

    Returns:
        int64 ``(count,)``, increasing.

    Source: as a deficit, the first stage of Ash and Adams 2020, figure 1; there the subset is not balanced.
    """
    import torch

    first = labels if labels.ndim == 1 else labels[:, 0]
    order = torch.randperm(len(first), generator=generator)
    by_class = first[order].argsort(stable=True)
    sizes = first[order][by_class].unique_consecutive(return_counts=True)[1]
    begins = (sizes.cumsum(0) - sizes).repeat_interleave(sizes)
    number = torch.empty_like(order)
    number[by_class] = torch.arange(len(first)) - begins
    return order[number.argsort(stable=True)[:count]].sort().values
