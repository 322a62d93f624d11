"""Another optimiser in the window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, SerializeAsAny, model_validator

from critlab._core.problems import Problems, shown
from critlab._core.spec import Spec
from critlab.study.optimizers import TorchOptimizer
from critlab.study.optimizers.section import misplaced, with_options
from critlab.study.switches.switch import Found, Switch
from critlab.study.types import MOST_RATE

if TYPE_CHECKING:
    from critlab._core.user_code.identity import OwnCode
    from critlab.study.optimizers.spec import OptimizerSpec
    from critlab.study.runs.recipe import Recipe
    from critlab.study.setup import Setup


class OptimizerChoice(Spec):
    """Which optimiser works in the window; its options are further keys, as in ``[optimizer]``.

    Args:
        name: of the optimiser.
        lr: in place of the study's ``lr``; the schedule stays.
        momentum: by default the study's where the optimiser is of the same name, else the optimiser's own.
        state: ``kept``: momentum and moments of each optimiser stay while the other works, and two that differ in
            momentum alone share them. ``dropped``: they are dropped when the window opens and when it closes.
    """

    neutral: ClassVar[Mapping[str, Any]] = {"lr": None, "momentum": None, "state": "kept"}
    name: str
    lr: float | None = Field(default=None, gt=0, le=MOST_RATE)
    momentum: float | None = Field(default=None, ge=0, lt=1)
    state: Literal["kept", "dropped"] = "kept"
    options: SerializeAsAny[TorchOptimizer]

    @model_validator(mode="before")
    @classmethod
    def _with_options(cls, raw: Any) -> Any:
        return with_options(raw, list(cls.model_fields)) if isinstance(raw, Mapping) else raw

    @model_validator(mode="after")
    def _has_what_is_given(self) -> Self:
        if found := misplaced(self.name, self.options, self.momentum, None):
            raise Problems(found)
        return self

    def special(self) -> dict[str, Any]:
        """The JSON values that are not neutral, options among them."""
        plain = {key: value for key, value in super().special().items() if key != "options"}
        return {**plain, **self.options.special()}


class SwitchedOptimizer(Switch):
    """Another optimiser, with or without the state of the study's own."""

    name: ClassVar[str] = "optimizer"
    citation: ClassVar[str] = "ours; sgd after adam: Keskar and Socher 2017"
    tried: ClassVar[bool] = False
    value: OptimizerChoice

    def plain(self, exclude_defaults: bool = False) -> Any:
        """The table of a study file, without neutral values."""
        return self.value.special()

    def identity(self) -> dict[str, Any]:
        """Without neutral values; the learning rate is part of the recipe."""
        plain = {key: value for key, value in self.value.special().items() if key != "lr"}
        return {"value": {**plain, **self.value.options.named()}}

    def codes(self) -> tuple[OwnCode, ...]:
        """What names a user's own optimiser."""
        return self.value.options.codes()

    def misfits(self, base: Setup) -> Found:
        """An optimiser that is the study's own, or that has no weight decay where the study has one."""
        own = base.optimizer
        if own.weight_decay and self.value.options.usual_decay is None:
            yield (
                ("name",),
                f"received {shown(self.value.name)}, which has no weight decay; set optimizer.weight_decay = 0",
            )
        same_rate = self.value.lr in (None, own.lr)
        if self.optimizer(own) == own and same_rate and self.value.state == "kept":
            received = shown(self.value.special())
            yield (), f"received {received}, which is the study's own; give another name, lr, momentum or state"

    def changed(self, recipe: Recipe, base: Setup) -> Recipe:
        """With this optimiser, at its own learning rate on the study's schedule."""
        scale = 1.0 if self.value.lr is None else self.value.lr / base.optimizer.lr
        return replace(super().changed(recipe, base), lr=recipe.lr * scale)

    def drops_state(self) -> bool:
        """As ``state`` says."""
        return self.value.state == "dropped"

    def optimizer(self, usual: OptimizerSpec) -> OptimizerSpec:
        """The study's optimiser with this name, momentum and options."""
        options, momentum = self.value.options, self.value.momentum
        if momentum is None:
            momentum = usual.momentum if self.value.name == usual.name else options.usual_momentum
        return usual.model_copy(update={"name": self.value.name, "momentum": momentum, "options": options})
