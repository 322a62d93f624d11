"""Switches of a user's own: functions of training and on, and a class."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from torch import nn

from critlab.study.runs.recipe import Recipe
from critlab.study.setup import Setup
from critlab.study.switches import Switch


def nothing(training: Any, on: bool) -> None:
    pass


def no_shortcut(training: Any, on: bool) -> None:
    """BatchNorm in a training step uses running statistics while it is on."""
    for module in training.model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.training = not on


def raises(training: Any, on: bool) -> None:
    raise RuntimeError("no such thing")


def adds_weights(training: Any, on: bool) -> None:
    if on:
        training.model.extra = nn.Linear(2, 2)
    else:
        del training.model.extra


def leaves_traces(training: Any, on: bool) -> None:
    if on:
        next(training.model.parameters()).requires_grad_(False)


def part(index: int) -> str:
    return "odd" if index % 2 else "even"


def wrong_part(index: int) -> str:
    return "neither"


class HalfDecay(Switch):
    """A factor of the weight decay."""

    name: ClassVar[str] = "half_decay"
    citation: ClassVar[str] = "ours"
    tried: ClassVar[bool] = False
    value: float

    def changed(self, recipe: Recipe, base: Setup) -> Recipe:
        return replace(recipe, weight_decay=recipe.weight_decay * self.value)
