"""Withheld training images in the window."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import model_validator

from critlab._core.problems import Problems
from critlab.study.switches.switch import Switch
from critlab.study.types import AnyDeficit

if TYPE_CHECKING:
    from critlab.deficits import Deficit
    from critlab.study.runs.recipe import Recipe
    from critlab.study.setup import Setup


class Select(Switch):
    """A deficit that withholds training images, such as ``data_subset``; only that part of it is used."""

    name: ClassVar[str] = "select"
    citation: ClassVar[str] = "ours"
    tried: ClassVar[bool] = False
    value: AnyDeficit

    @model_validator(mode="after")
    def _withholds(self) -> Self:
        if not hasattr(self.value, "select"):
            text = f"received {type(self.value).name!r}, which does not withhold images; move it to [deficit]"
            raise Problems([(("value", "name"), text)])
        return self

    def withheld(self) -> Deficit | None:
        """The deficit."""
        return self.value

    def changed(self, recipe: Recipe, base: Setup) -> Recipe:
        """With this selection."""
        return replace(recipe, select=self.value)
