"""Classification: one of several classes, for an example or for each of its heads."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from critlab.deficits.input_form import InputForm
from critlab.learning_tasks.learning_task import LearningTask

if TYPE_CHECKING:
    from torch import Tensor


class Classification(LearningTask):
    """One of several classes for each example; with several heads, one for each."""

    name: ClassVar[str] = "classification"
    citation: ClassVar[str] = "softmax and cross entropy"
    likelihood: ClassVar[str] = "categorical"
    metrics: ClassVar[tuple[str, ...]] = ("accuracy", "balanced_accuracy", "f1", "auroc", "loss")
    tested: ClassVar[tuple[str, ...]] = ("accuracy",)
    returns: ClassVar[str] = "logits (batch, classes), or (batch, heads, classes) for labels (batch, heads)"

    @property
    def followed(self) -> tuple[str, ...]:
        """Accuracy in any case."""
        return tuple(dict.fromkeys(("accuracy", *super().followed)))

    def outputs(self, classes: int, label_shape: tuple[int, ...], form: InputForm) -> int:
        """One for each class."""
        return classes

    def loss(self, outputs: Tensor, asked: Tensor) -> Tensor:
        """Cross entropy in nats."""
        from critlab.learning_tasks.losses import cross_entropy

        return cross_entropy(outputs, asked)

    def predicted(self, outputs: Tensor) -> Tensor:
        """The class of the largest logit."""
        return outputs.argmax(-1)
