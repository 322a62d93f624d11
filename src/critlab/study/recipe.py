"""What is done in one epoch, as a pure value; a run resolves to one recipe per epoch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from critlab.deficits import Deficit, describe
from critlab.digest import digest
from critlab.study.choices import AugmentSpec, OptimizerSpec
from critlab.study.run import Run


@dataclass(frozen=True)
class Recipe:
    """Everything that distinguishes one epoch of training from another.

    Args:
        lr: learning rate of every step of the epoch.
        weight_decay: coefficient of the squared weights.
        augment: None for no augmentation.
        deficit: None for clean data.
    """

    lr: float
    weight_decay: float
    augment: AugmentSpec | None = None
    deficit: Deficit | None = None

    def identity(self) -> dict[str, Any]:
        """The JSON values that name the recipe; neutral ones are left out, so that new ingredients rename nothing."""
        named: dict[str, Any] = {"lr": self.lr, "weight_decay": self.weight_decay}
        if self.augment is not None and (self.augment.flip or self.augment.shift):
            named["augment"] = self.augment.identity()
        if self.deficit is not None:
            named["deficit"] = describe(self.deficit)
        return named


@cache
def recipe_digest(recipe: Recipe) -> str:
    """The name of a recipe; equal recipes have equal names in every study."""
    return digest("recipe", recipe.identity())


def learning_rate(optimizer: OptimizerSpec, run: Run, epoch: int) -> float:
    """The learning rate of ``epoch`` (epochs trained before it) under the run's clock."""
    restarted = run.clock == "since_removal" and epoch >= run.window.stop
    return optimizer.lr * optimizer.lr_decay ** (epoch - run.window.stop if restarted else epoch)


def recipes(run: Run, optimizer: OptimizerSpec, augment: AugmentSpec | None) -> list[Recipe]:
    """One recipe for each epoch of ``run``."""
    return [
        Recipe(
            lr=learning_rate(optimizer, run, epoch),
            weight_decay=optimizer.weight_decay,
            augment=augment,
            deficit=run.deficit if epoch in run.window else None,
        )
        for epoch in range(run.total)
    ]
