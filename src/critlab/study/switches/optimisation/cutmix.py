"""Images with rectangles of others in the window."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from critlab._core.errors import StudyError
from critlab.objectives import CutMix as CutMixObjective
from critlab.study.switches.optimisation.loss import other_losses, parts_of
from critlab.study.switches.switch import NO_VALUE, Found, Switch

if TYPE_CHECKING:
    from critlab.deficits.input_form import InputForm
    from critlab.study.runs.recipe import Recipe
    from critlab.study.setup import Setup


class CutMix(Switch):
    """CutMix of images and labels with a part from Beta(alpha, alpha); 0 cuts nothing."""

    name: ClassVar[str] = "cutmix"
    citation: ClassVar[str] = "Yun et al. 2019"
    tried: ClassVar[bool] = False
    excludes: ClassVar[tuple[str, ...]] = ("objective", "mixup")
    value: float = Field(ge=0, le=100)

    def usual(self, base: Setup) -> Any:
        """The ``alpha`` of the study's CutMix."""
        parts = parts_of(base.objective)
        return NO_VALUE if parts is None else parts.cut

    def misfits(self, base: Setup) -> Found:
        """An objective that is no cross entropy, or the same CutMix."""
        yield from super().misfits(base)
        yield from other_losses(base, self.value)

    def shape_misfits(self, example_shape: tuple[int, ...]) -> Found:
        """Examples without height and width cannot be cut."""
        try:
            if self.value:
                CutMixObjective(alpha=self.value).check_examples(example_shape)
        except StudyError as error:
            yield (), str(error)

    def check_form(self, form: InputForm) -> None:
        """Tokens cannot be cut."""
        if self.value:
            CutMixObjective(alpha=self.value).check_form(form)

    def changed(self, recipe: Recipe, base: Setup) -> Recipe:
        """With the same cross entropy of cut images."""
        parts = parts_of(recipe.objective)
        assert parts is not None, "other objectives are refused"
        return replace(recipe, objective=parts._replace(cut=self.value, alpha=0.0).objective())
