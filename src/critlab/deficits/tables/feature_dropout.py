"""Feature dropout: some values of each example are missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from critlab._core.errors import StudyError
from critlab.deficits.batch_context import BatchContext
from critlab.deficits.deficit import Deficit, InputKind, LabelKind
from critlab.deficits.input_form import InputForm

if TYPE_CHECKING:
    from torch import Tensor


class FeatureDropout(Deficit):
    """Sets values to a constant: others in each example and step, or the same features for as long as it lasts.

    Args:
        share: of the values, or of the features, that are missing.
        lasting: whether the same features are missing all run long, as when a sensor is broken.
        fill: what stands in their place, such as 0, or the features' mean where they are centred.
    """

    name: ClassVar[str] = "feature_dropout"
    citation: ClassVar[str] = "ours"
    input_kind: ClassVar[InputKind] = "any"
    label_kind: ClassVar[LabelKind] = "unread"
    neutral: ClassVar[dict[str, Any]] = {"lasting": False, "fill": 0.0}
    share: float = Field(gt=0, le=1)
    lasting: bool = False
    fill: float = 0.0

    def check_form(self, form: InputForm) -> None:
        """Raises StudyError where examples are tokens and ``fill`` is none, or is their padding."""
        super().check_form(form)
        if form.values == "tokens" and (
            not (self.fill.is_integer() and 0 <= self.fill < form.vocabulary) or self.fill == form.padding
        ):
            padding = "" if form.padding is None else f", and not {form.padding}, the padding"
            raise StudyError(
                f"deficit.fill: received {self.fill:g}; must be a token from 0 to {form.vocabulary - 1}{padding}"
            )

    def apply(self, images: Tensor, labels: Tensor, draws: BatchContext) -> tuple[Tensor, Tensor]:
        """Examples of any shape and dtype, with gaps; the labels are kept.

        Raises:
            StudyError: values of this type cannot be ``fill``.
        """
        import torch

        self._check_fill(images)

        shape = images.shape[1:] if self.lasting else images.shape
        generator = draws.run() if self.lasting else draws.step()
        missing = torch.rand(shape, generator=generator) < self.share
        return images.masked_fill(missing.to(images.device), self.fill), labels

    def _check_fill(self, images: Tensor) -> None:
        """Raises StudyError where whole numbers would round ``fill`` or run over."""
        import torch

        if images.is_floating_point() or images.is_complex():
            return
        low, high = (
            (0, 1) if images.dtype == torch.bool else (torch.iinfo(images.dtype).min, torch.iinfo(images.dtype).max)
        )
        if not (self.fill.is_integer() and low <= self.fill <= high):
            raise StudyError(
                f"deficit.fill: received {self.fill:g}, but the values are {str(images.dtype).removeprefix('torch.')}; "
                f"must be a whole number from {low} to {high}, or give the values as float"
            )
