"""Another optimiser in the window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from critlab._core.spec import Problems, Spec, shown
from critlab.study.switches.switch import Found, Switch
from critlab.study.types import MOST_RATE

if TYPE_CHECKING:
    from critlab.study.runs.recipe import Recipe
    from critlab.study.setup import Setup
    from critlab.study.specs import OptimizerSpec

USUAL_MOMENTUM = 0.9
"""Of sgd where the study's own optimiser has none, as in ``[optimizer]``."""


class OptimizerChoice(Spec):
    """Which optimiser works in the window.

    Args:
        name: ``sgd`` or ``adam``.
        lr: in place of the study's ``lr``; the schedule stays.
        momentum: of sgd; by default the study's, or 0.9.
        state: ``kept``: momentum and moments of each optimiser stay while the other works, and two of the same name
            share them. ``dropped``: they are dropped when the window opens and when it closes.
    """

    neutral: ClassVar[Mapping[str, Any]] = {"lr": None, "momentum": None, "state": "kept"}
    name: Literal["sgd", "adam"]
    lr: float | None = Field(default=None, gt=0, le=MOST_RATE)
    momentum: float | None = Field(default=None, ge=0, lt=1)
    state: Literal["kept", "dropped"] = "kept"

    @model_validator(mode="after")
    def _momentum_is_sgd(self) -> Self:
        if self.name == "adam" and self.momentum is not None:
            raise Problems([(("momentum",), f"received {self.momentum}; adam has no momentum, omit it")])
        return self


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
        return {"value": {key: value for key, value in self.value.special().items() if key != "lr"}}

    def misfits(self, base: Setup) -> Found:
        """An optimiser that is the study's own."""
        own = base.optimizer
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
        """The study's optimiser with this name and momentum."""
        momentum = self.value.momentum
        if self.value.name == "sgd" and momentum is None:
            momentum = USUAL_MOMENTUM if usual.momentum is None else usual.momentum
        return usual.model_copy(update={"name": self.value.name, "momentum": momentum})
