"""Decorrelation: the two sources never show the same scene, as the eyes of a squinting child do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from critlab._core.errors import StudyError
from critlab.deficits.batch_context import BatchContext
from critlab.deficits.deficit import Deficit, InputKind, LabelKind, check_two_sources

if TYPE_CHECKING:
    from torch import Tensor


class Decorrelate(Deficit):
    """Gives each image of source A the source B of another image of the batch, and one of their two labels.

    Labels have three heads: both sources, A, B. Each example's label is that of its A or of its B with probability one
    half, the first head counts for nothing.

    Args:
        head: which head bears the label: that of the ``"source"`` whose label it is, or, as in the authors' code, one
            drawn for the whole ``"batch"`` whatever the source.
    """

    name: ClassVar[str] = "decorrelate"
    citation: ClassVar[str] = "Kleinman, Achille and Soatto 2023, dissociation of the sources"
    input_kind: ClassVar[InputKind] = "any"
    label_kind: ClassVar[LabelKind] = "classes"
    between_sources: ClassVar[bool] = True
    head: Literal["source", "batch"] = "source"

    def check(self, example_shape: tuple[int, ...]) -> None:
        """Raises StudyError unless examples are ``(2, ...)``."""
        check_two_sources(f"deficit {self.name!r}", example_shape)

    def check_heads(self, heads: int) -> None:
        """Raises StudyError unless there are three heads."""
        if heads != 3:
            raise StudyError(
                f"deficit 'decorrelate' needs labels of 3 heads (both sources, A, B), received {heads}; "
                "set data.heads = 3 and model.heads = 3"
            )

    def apply(self, images: Tensor, labels: Tensor, draws: BatchContext) -> tuple[Tensor, Tensor]:
        """Images whose B belongs to another image, and labels in the head of A or B.

        Raises:
            StudyError: labels have no three heads.
        """
        import torch

        self.check_heads(labels.shape[1] if labels.ndim > 1 else 1)
        chance = draws.step()
        order = torch.randperm(len(images), generator=chance)
        from_b = torch.rand(len(images), generator=chance) < 0.5
        by_batch = torch.rand((), generator=chance).item() < 0.5
        in_b = from_b if self.head == "source" else torch.full_like(from_b, by_batch)
        shown = torch.stack([images[:, 0], images[order.to(images.device), 1]], 1)
        return shown, mixed_labels(labels[:, 0], order, from_b, in_b)


def mixed_labels(labels: Tensor, order: Tensor, from_b: Tensor, in_b: Tensor) -> Tensor:
    """Labels of two scenes seen at once, in the heads (both, A, B).

    Args:
        labels: int64 ``(batch,)``, of the scenes that A shows.
        order: int64 ``(batch,)``: B shows the scene of ``labels[order]``.
        from_b: bool ``(batch,)``: the label is that of B's scene.
        in_b: bool ``(batch,)``: it stands in B's head, else in A's.

    Returns:
        int64 ``(batch, 3)``, -1 but in one place of each row.

    Source: Kleinman, Achille and Soatto 2023, dissociation of the sources; the code's ``main_independent_rhf``.
    """
    import torch

    device = labels.device
    chosen = torch.where(from_b.to(device), labels[order.to(device)], labels)
    heads = labels.new_full((len(labels), 3), -1)
    heads[torch.arange(len(labels), device=device), 1 + in_b.to(device).long()] = chosen
    return heads
