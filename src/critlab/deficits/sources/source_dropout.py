"""Source dropout: now and then an image comes through one source alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import Field, model_validator

from critlab._core.problems import Problems
from critlab.deficits.batch_context import BatchContext
from critlab.deficits.deficit import Deficit, InputKind, LabelKind, check_two_sources
from critlab.deficits.images.blank import blank_like
from critlab.deficits.layout import check_channels

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class SourceDropout(Deficit):
    """Blanks source A of some images and source B of others, never both, at random in each step.

    Args:
        a: the part of the images that lose A.
        b: the part that lose B; together at most 1.
    """

    name: ClassVar[str] = "source_dropout"
    citation: ClassVar[str] = "Kleinman, Achille and Soatto 2023, the code's random zero input"
    input_kind: ClassVar[InputKind] = "equivariant"
    label_kind: ClassVar[LabelKind] = "unread"
    between_sources: ClassVar[bool] = True
    a: float = Field(default=0.1, ge=0, le=1)
    b: float = Field(default=0.1, ge=0, le=1)

    @model_validator(mode="after")
    def _at_most_all(self) -> Self:
        if self.a + self.b > 1:
            raise Problems([(("b",), f"received {self.b}; with a = {self.a} it must be at most {1 - self.a:g}")])
        return self

    def check(self, example_shape: tuple[int, ...]) -> None:
        """Raises StudyError unless examples are ``(2, ...)``, and where their channels are last."""
        check_two_sources(f"deficit {self.name!r}", example_shape)
        check_channels(self.name, example_shape)

    def apply(self, images: Tensor, labels: Tensor, draws: BatchContext) -> tuple[Tensor, Tensor]:
        """Images of which some lack a source; the labels are kept."""
        return drop_sources(images, self.a, self.b, blank_like(images, draws), draws.step()), labels


def drop_sources(images: Tensor, a: float, b: float, blank: Tensor, generator: torch.Generator) -> Tensor:
    """Images of which a part ``a`` shows ``blank`` as source A, and another part ``b`` as source B.

    Args:
        images: float ``(batch, 2, ...)``.
        a: chance of each image to lose A.
        b: chance to lose B; together at most 1.
        blank: broadcast against ``images``.
        generator: on the CPU; it advances by one draw an image.
    """
    import torch

    chance = torch.rand(len(images), generator=generator)
    lost = torch.stack([chance >= 1 - a, chance < b], 1).to(images.device)
    return torch.where(lost.reshape(*lost.shape, *(1,) * (images.ndim - 2)), blank, images)
