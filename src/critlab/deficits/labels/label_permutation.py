"""Label permutation: every class goes by another class's name, consistently."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from critlab._core.errors import StudyError
from critlab.deficits.batch_context import BatchContext
from critlab.deficits.deficit import Deficit, InputKind, LabelKind
from critlab.deficits.target_form import TargetKind

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class LabelPermutation(Deficit):
    """Renames the classes by one random permutation per run, never the identity; the same for all heads and pixels.

    With several labels for an example, each label goes by another one's name.
    """

    name: ClassVar[str] = "label_permutation"
    citation: ClassVar[str] = "Achille, Rovere and Soatto 2019, section 2, figure 2"
    input_kind: ClassVar[InputKind] = "unread"
    label_kind: ClassVar[LabelKind] = "classes"
    label_forms: ClassVar[tuple[TargetKind, ...]] = ("classes", "multi_hot", "pixels")

    def apply(self, images: Tensor, labels: Tensor, draws: BatchContext) -> tuple[Tensor, Tensor]:
        """Renamed labels; the images are kept.

        Raises:
            StudyError: there is only one class.
        """
        permutation = class_permutation(draws.classes, draws.run())
        if draws.targets.kind == "multi_hot":
            return images, labels[:, permutation.argsort().to(labels.device)]
        return images, permute_labels(labels, permutation)


def class_permutation(classes: int, generator: torch.Generator) -> Tensor:
    """int64 ``(classes,)``: uniform among the permutations that move at least one class.

    Raises:
        StudyError: there are fewer than two classes.
    """
    import torch

    if classes < 2:
        raise StudyError(
            f"deficit 'label_permutation' needs at least 2 classes, received {classes}; choose another deficit"
        )
    same = torch.arange(classes)
    permutation = same
    while torch.equal(permutation, same):
        permutation = torch.randperm(classes, generator=generator)
    return permutation


def permute_labels(labels: Tensor, permutation: Tensor) -> Tensor:
    """``permutation[label]`` for each label; -1 (no loss there) stays -1.

    Args:
        labels: int64 of any shape, from -1 to ``classes - 1``.
        permutation: int64 ``(classes,)``.

    Returns:
        int64 of the shape of ``labels``.

    Source: Achille, Rovere and Soatto 2019, section 2 and figure 2.
    """
    # an index of -1 reads the last row
    return permutation.new_tensor([*permutation.tolist(), -1]).to(labels.device)[labels]
