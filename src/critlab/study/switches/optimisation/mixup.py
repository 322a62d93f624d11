"""Mixed images and labels in the window."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from critlab.objectives import Mixup as MixupObjective
from critlab.study.switches.optimisation.loss import other_losses, parts_of
from critlab.study.switches.switch import NO_VALUE, Found, Switch

if TYPE_CHECKING:
    from critlab.deficits.input_form import InputForm
    from critlab.study.runs.recipe import Recipe
    from critlab.study.setup import Setup


class Mixup(Switch):
    """Mixup of images and labels with a weight from Beta(alpha, alpha); 0 mixes nothing."""

    name: ClassVar[str] = "mixup"
    citation: ClassVar[str] = "Zhang et al. 2018"
    tried: ClassVar[bool] = False
    excludes: ClassVar[tuple[str, ...]] = ("objective",)
    value: float = Field(ge=0, le=100)

    def usual(self, base: Setup) -> Any:
        """The ``alpha`` of the study's objective."""
        parts = parts_of(base.objective)
        return NO_VALUE if parts is None else parts.alpha

    def misfits(self, base: Setup) -> Found:
        """An objective that is no cross entropy, or the same mixup."""
        yield from super().misfits(base)
        yield from other_losses(base, self.value)

    def check_form(self, form: InputForm) -> None:
        """Tokens cannot be mixed."""
        if self.value:
            MixupObjective(alpha=self.value).check_form(form)

    def changed(self, recipe: Recipe, base: Setup) -> Recipe:
        """With the same cross entropy of mixed images."""
        parts = parts_of(recipe.objective)
        assert parts is not None, "other objectives are refused"
        return replace(recipe, objective=parts._replace(alpha=self.value, cut=0.0).objective())
