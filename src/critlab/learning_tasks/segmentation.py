"""Segmentation: a class for each pixel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from critlab._core.errors import StudyError
from critlab.deficits.input_form import InputForm
from critlab.deficits.target_form import TargetForm
from critlab.learning_tasks.learning_task import LearningTask, TargetView, Unit

if TYPE_CHECKING:
    from torch import Tensor


class Segmentation(LearningTask):
    """One of several classes for each pixel; labels are images of class numbers as large as the examples.

    Args:
        metric: what damage is measured in.
        classes: how many there are; None is the largest label plus one.
        ignored: the number of pixels without a class, such as 255; -1 is one in any case.
    """

    name: ClassVar[str] = "segmentation"
    citation: ClassVar[str] = "Long, Shelhamer and Darrell 2015"
    neutral: ClassVar[Mapping[str, Any]] = {"classes": None, "ignored": -1}
    likelihood: ClassVar[str] = "categorical_per_position"
    likelihood_options: ClassVar[Mapping[str, Any]] = {"classes": "last"}
    metrics: ClassVar[tuple[str, ...]] = ("mean_iou", "accuracy", "balanced_accuracy", "loss")
    tested: ClassVar[tuple[str, ...]] = ("mean_iou", "accuracy")
    unit: ClassVar[Unit] = "pixel"
    returns: ClassVar[str] = "logits (batch, classes, height, width), as large as the label images"
    classes: Annotated[int, Field(ge=2, le=32_000)] | None = None
    ignored: int = Field(default=-1, ge=-1, le=2**31)

    @property
    def targets(self) -> TargetForm:  # type: ignore[override]  # the options decide
        """Label images."""
        return TargetForm("pixels", self.classes, self.ignored)

    def check_form(self, form: InputForm) -> None:
        """Raises StudyError for tokens."""
        if form.values == "tokens":
            raise StudyError("received 'segmentation', but the examples are tokens; choose another task")

    def check_examples(self, example_shape: tuple[int, ...]) -> None:
        """Raises StudyError unless examples are images ``(channels, height, width)``."""
        if len(example_shape) != 3:
            raise StudyError(
                f"received 'segmentation', which needs images (channels, height, width), but examples have the shape "
                f"{tuple(example_shape)}; choose another task or other data"
            )

    def outputs(self, classes: int, label_shape: tuple[int, ...], form: InputForm) -> int:
        """One for each class."""
        return classes

    def asked(self, images: Tensor, labels: Tensor, view: TargetView) -> Tensor:
        """Class numbers int64 ``(batch, height, width)``, -1 where nothing counts."""
        whole = labels.long()
        return whole if self.ignored < 0 else whole.masked_fill(whole == self.ignored, -1)

    def arranged(self, outputs: Tensor) -> Tensor:
        """``(batch, height, width, classes)``."""
        return outputs.movedim(1, -1) if outputs.ndim == 4 else outputs

    def loss(self, outputs: Tensor, asked: Tensor) -> Tensor:
        """Cross entropy in nats, the mean over pixels."""
        from critlab.learning_tasks.losses import cross_entropy

        return cross_entropy(outputs, asked)

    def predicted(self, outputs: Tensor) -> Tensor:
        """The class of the largest logit."""
        return outputs.argmax(-1)
