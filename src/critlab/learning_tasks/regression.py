"""Regression: one or several numbers for each example."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from critlab.deficits.input_form import InputForm
from critlab.deficits.target_form import TargetForm
from critlab.learning_tasks.learning_task import LearningTask

if TYPE_CHECKING:
    from torch import Tensor


class Regression(LearningTask):
    """A number, or a vector of numbers, for each example.

    Args:
        metric: what damage is measured in.
        learned_variance: whether the network also answers how uncertain it is, with twice as many outputs: means, then
            log variances.
        standardise: whether the network learns targets minus the mean of the training part and through their deviation,
            output by output. Metrics are in the unit of the targets either way; the loss is in that of what is learned.
    """

    name: ClassVar[str] = "regression"
    citation: ClassVar[str] = "least squares; learned variance: Nix and Weigend 1994"
    neutral: ClassVar[Mapping[str, Any]] = {"learned_variance": False, "standardise": True}
    targets: ClassVar[TargetForm] = TargetForm("real")
    metrics: ClassVar[tuple[str, ...]] = ("mean_absolute_error", "r2", "loss")
    tested: ClassVar[tuple[str, ...]] = ("mean_absolute_error", "r2")
    returns: ClassVar[str] = (
        "one number for each target, (batch, outputs), or means and log variances (batch, 2 outputs)"
    )
    learned_variance: bool = False
    standardise: bool = True

    @property
    def likelihood(self) -> str:  # type: ignore[override]  # the option decides
        """Normal, with a variance of 1 or a learned one."""
        return "gaussian_variance" if self.learned_variance else "gaussian"

    @property
    def objective(self) -> str:  # type: ignore[override]  # the option decides
        """Squared error, or the likelihood with a learned variance."""
        return "gaussian_likelihood" if self.learned_variance else "mean_squared_error"

    def outputs(self, classes: int, label_shape: tuple[int, ...], form: InputForm) -> int:
        """One for each number, or two."""
        return (label_shape[0] if label_shape else 1) * (2 if self.learned_variance else 1)

    def arranged(self, outputs: Tensor) -> Tensor:
        """``(batch,)`` where the model gives one number in a row of its own."""
        alone = not self.learned_variance and outputs.ndim == 2 and outputs.shape[1] == 1
        return outputs.squeeze(-1) if alone else outputs

    def fits(self, outputs: tuple[int, ...], asked: tuple[int, ...]) -> bool:
        """One number for each target, or two."""
        if not self.learned_variance:
            return outputs == asked
        return outputs == (asked[0], 2 * (asked[1] if len(asked) > 1 else 1))

    def loss(self, outputs: Tensor, asked: Tensor) -> Tensor:
        """Squared error, or the negative log-likelihood with a learned variance."""
        from critlab.learning_tasks.losses import gaussian_loss, squared_error

        return gaussian_loss(outputs, asked) if self.learned_variance else squared_error(outputs, asked)

    def predicted(self, outputs: Tensor) -> Tensor:
        """The means, in the shape of the targets."""
        if not self.learned_variance:
            return outputs
        means = outputs.chunk(2, dim=-1)[0]
        return means.squeeze(-1) if means.shape[1] == 1 else means

    def counted(self, asked: Tensor) -> Tensor:
        """Everything counts."""
        import torch

        return torch.ones_like(asked, dtype=torch.bool)
