"""Several labels for each example, each of which may be there or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from critlab.deficits.input_form import InputForm
from critlab.deficits.target_form import TargetForm
from critlab.learning_tasks.learning_task import LearningTask

if TYPE_CHECKING:
    from torch import Tensor


class MultiLabel(LearningTask):
    """Yes or no for each of several labels; labels are a matrix of 1 and 0, and -1 where it is not known."""

    name: ClassVar[str] = "multi_label"
    citation: ClassVar[str] = "one logistic regression a label"
    likelihood: ClassVar[str] = "bernoulli"
    objective: ClassVar[str] = "binary_cross_entropy"
    targets: ClassVar[TargetForm] = TargetForm("multi_hot")
    metrics: ClassVar[tuple[str, ...]] = ("f1", "auroc", "accuracy", "loss")
    tested: ClassVar[tuple[str, ...]] = ("f1", "auroc", "accuracy")
    returns: ClassVar[str] = "one logit for each label, (batch, labels)"

    def outputs(self, classes: int, label_shape: tuple[int, ...], form: InputForm) -> int:
        """One for each label."""
        return label_shape[0]

    def fits(self, outputs: tuple[int, ...], asked: tuple[int, ...]) -> bool:
        """One logit for each label."""
        return outputs == asked

    def loss(self, outputs: Tensor, asked: Tensor) -> Tensor:
        """Cross entropy in nats, the mean over labels."""
        from critlab.learning_tasks.losses import binary_cross_entropy

        return binary_cross_entropy(outputs, asked)

    def predicted(self, outputs: Tensor) -> Tensor:
        """1 where the logit is above 0."""
        return (outputs > 0).long()
