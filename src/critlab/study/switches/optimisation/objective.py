"""Another training loss in the window."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from critlab._core.errors import StudyError
from critlab.study.switches.switch import Found, Switch
from critlab.study.types import AnyObjective

if TYPE_CHECKING:
    from critlab.deficits.input_form import InputForm
    from critlab.study.runs.recipe import Recipe
    from critlab.study.setup import Setup


class SwitchedObjective(Switch):
    """The training loss, in place of the study's; a name, or a table of name and options."""

    name: ClassVar[str] = "objective"
    citation: ClassVar[str] = "ours"
    tried: ClassVar[bool] = False
    value: AnyObjective

    def usual(self, base: Setup) -> Any:
        """The study's objective."""
        return base.objective

    def misfits(self, base: Setup) -> Found:
        """The study's own objective, or one that is no loss of its task."""
        yield from super().misfits(base)
        try:
            self.value.check_task(base.task)
        except StudyError as error:
            yield (), str(error)

    def shape_misfits(self, example_shape: tuple[int, ...]) -> Found:
        """As the objective."""
        try:
            self.value.check_examples(example_shape)
        except StudyError as error:
            yield (), str(error)

    def check_form(self, form: InputForm) -> None:
        """As the objective."""
        self.value.check_form(form)

    def changed(self, recipe: Recipe, base: Setup) -> Recipe:
        """With this objective."""
        return replace(recipe, objective=self.value)
