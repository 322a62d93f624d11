"""Frozen modules in the window."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from critlab._core.errors import StudyError
from critlab._core.problems import nearest, shown
from critlab.study.switches.switch import Switch, Trained

if TYPE_CHECKING:
    from torch import nn


def _several(value: Any) -> Any:
    """A name alone is a list of one."""
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


Pattern = Annotated[str, Field(min_length=1, max_length=200)]
Patterns = Annotated[tuple[Pattern, ...], BeforeValidator(_several), Field(min_length=1)]


class Freeze(Switch):
    """Modules that are not trained, by name as ``model.named_modules()`` has it, or by a pattern such as ``"block*"``.

    Their weights, the optimiser's state of these, and their running statistics stay as they are. They run in
    evaluation mode, so their BatchNorm uses its running statistics and their dropout drops nothing.
    """

    name: ClassVar[str] = "freeze"
    citation: ClassVar[str] = "Howard and Ruder 2018, gradual unfreezing; Brock et al. 2017, freezing"
    value: Patterns

    @contextmanager
    def scope(self, trained: Trained) -> Iterator[None]:
        """Freeze the modules, and train them again.

        Raises:
            StudyError: the model has no such module, or nothing would be trained.
        """
        modules = frozen_modules(trained.model, self.value)
        weights = [one for module in modules for one in module.parameters() if one.requires_grad]
        if {*map(id, weights)} >= {id(one) for one in trained.model.parameters() if one.requires_grad}:
            received = shown([*self.value])
            raise StudyError(f"switch.freeze: received {received}, which freezes every weight; use lr_factor = 0")
        modes = [(module, module.training) for module in modules]
        for weight in weights:
            weight.requires_grad_(False)
        for module in modules:
            module.training = False
        try:
            yield
        finally:
            for weight in weights:
                weight.requires_grad_(True)
            for module, mode in modes:
                module.training = mode


def frozen_modules(model: nn.Module, patterns: tuple[str, ...]) -> list[nn.Module]:
    """The modules that match one of ``patterns``, and all modules inside them.

    Raises:
        StudyError: a pattern matches no module with weights.
    """
    named = {name: module for name, module in model.named_modules() if name}
    found: dict[int, nn.Module] = {}
    for pattern in patterns:
        matched = [module for name, module in named.items() if fnmatchcase(name, pattern)]
        if not any(True for module in matched for _ in module.parameters()):
            there = [name for name, module in named.items() if any(True for _ in module.parameters())]
            text = f"received {shown(pattern)}, which matches no module with weights{nearest(pattern, there)}"
            raise StudyError(f"switch.freeze: {text}")
        found |= {id(inner): inner for module in matched for inner in module.modules()}
    return [*found.values()]
