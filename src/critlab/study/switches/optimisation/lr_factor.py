"""Another learning rate in the window."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from critlab._core.problems import shown
from critlab.study.switches.switch import Found, Switch
from critlab.study.types import MOST_RATE

if TYPE_CHECKING:
    from critlab.study.runs.recipe import Recipe
    from critlab.study.setup import Setup


class LearningRateFactor(Switch):
    """A factor of the scheduled learning rate; 0 stops learning, while BatchNorm goes on counting."""

    name: ClassVar[str] = "lr_factor"
    citation: ClassVar[str] = "ours"
    tried: ClassVar[bool] = False
    value: float = Field(ge=0, le=MOST_RATE)

    def usual(self, base: Setup) -> Any:
        """The rate of the schedule itself."""
        return 1.0

    def misfits(self, base: Setup) -> Found:
        """The rate of the schedule itself, or an optimiser that follows none."""
        yield from super().misfits(base)
        if not base.optimizer.options.follows_rate:
            yield (), f"received {shown(self.value)}, but {base.optimizer.name} uses lr in its first step only; omit it"

    def changed(self, recipe: Recipe, base: Setup) -> Recipe:
        """With so many times the learning rate."""
        return replace(recipe, lr=recipe.lr * self.value)
