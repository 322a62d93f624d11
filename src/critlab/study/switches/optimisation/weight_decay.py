"""Another weight decay in the window."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from critlab.study.switches.switch import Switch
from critlab.study.types import MOST_RATE

if TYPE_CHECKING:
    from critlab.study.runs.recipe import Recipe
    from critlab.study.setup import Setup


class WeightDecay(Switch):
    """The coefficient of the squared weights, in place of the optimiser's."""

    name: ClassVar[str] = "weight_decay"
    citation: ClassVar[str] = "Golatkar, Achille and Soatto 2019"
    tried: ClassVar[bool] = False
    value: float = Field(ge=0, le=MOST_RATE)

    def usual(self, base: Setup) -> Any:
        """The optimiser's."""
        return base.optimizer.weight_decay

    def changed(self, recipe: Recipe, base: Setup) -> Recipe:
        """With this weight decay."""
        return replace(recipe, weight_decay=self.value)
