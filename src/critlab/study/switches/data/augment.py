"""Another augmentation in the window."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from critlab.study.specs import AugmentSpec
from critlab.study.switches.switch import Found, Switch

if TYPE_CHECKING:
    from critlab.study.runs.recipe import Recipe
    from critlab.study.setup import Setup


class Augment(Switch):
    """The augmentation, in place of the study's; without flip and shift there is none."""

    name: ClassVar[str] = "augment"
    citation: ClassVar[str] = "Golatkar, Achille and Soatto 2019"
    tried: ClassVar[bool] = False
    value: AugmentSpec

    def usual(self, base: Setup) -> Any:
        """The study's augmentation."""
        return base.augment or AugmentSpec()

    def shape_misfits(self, example_shape: tuple[int, ...]) -> Found:
        """The fields that such examples cannot have."""
        yield from (((field,), text) for field, text in self.value.misfits(example_shape))

    def changed(self, recipe: Recipe, base: Setup) -> Recipe:
        """With this augmentation."""
        return replace(recipe, augment=None if self.value.changes_nothing else self.value)
