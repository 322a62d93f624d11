"""Binary classification with one logit."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from critlab.deficits.input_form import InputForm
from critlab.deficits.target_form import TargetForm
from critlab.learning_tasks.learning_task import LearningTask

if TYPE_CHECKING:
    from torch import Tensor


class Binary(LearningTask):
    """Yes or no for each example, from one logit; labels are 1 and 0."""

    name: ClassVar[str] = "binary"
    citation: ClassVar[str] = "logistic regression, Cox 1958"
    likelihood: ClassVar[str] = "bernoulli"
    objective: ClassVar[str] = "binary_cross_entropy"
    targets: ClassVar[TargetForm] = TargetForm("classes", classes=2)
    metrics: ClassVar[tuple[str, ...]] = ("accuracy", "balanced_accuracy", "f1", "auroc", "loss")
    tested: ClassVar[tuple[str, ...]] = ("accuracy", "balanced_accuracy", "f1", "auroc")
    returns: ClassVar[str] = "one logit for each example, (batch, 1) or (batch,)"

    def outputs(self, classes: int, label_shape: tuple[int, ...], form: InputForm) -> int:
        """One."""
        return 1

    def arranged(self, outputs: Tensor) -> Tensor:
        """``(batch,)``."""
        return outputs.squeeze(-1) if outputs.ndim == 2 and outputs.shape[1] == 1 else outputs

    def fits(self, outputs: tuple[int, ...], asked: tuple[int, ...]) -> bool:
        """One logit for each label."""
        return outputs == asked

    def loss(self, outputs: Tensor, asked: Tensor) -> Tensor:
        """Cross entropy in nats."""
        from critlab.learning_tasks.losses import binary_cross_entropy

        return binary_cross_entropy(outputs, asked)

    def predicted(self, outputs: Tensor) -> Tensor:
        """1 where the logit is above 0."""
        return (outputs > 0).long()
