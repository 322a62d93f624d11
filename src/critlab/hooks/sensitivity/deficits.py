"""What forks apply to batches: deficits of critlab, or any function of a batch, with their shapes checked."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from critlab._core.errors import StudyError
from critlab._core.random_streams import generator
from critlab._core.random_streams import key as stream
from critlab.deficits import Deficit
from critlab.hooks.border.entries import Key, at, inputs_in, put, written
from critlab.hooks.deprivation import BatchDeficit, DataInfo
from critlab.training.seeding import seeded

BatchFunction = Callable[..., Any]
"""``(inputs, labels) -> (inputs, labels)``, or ``inputs -> inputs``."""

AnyDeficit = Deficit | BatchFunction

NUDGE = 1e-6
"""Relative change of inputs by which repeats differ where the order of the data does not."""


def named_deficits(
    given: Iterable[AnyDeficit] | Mapping[str, AnyDeficit], function: str = "sensitivity"
) -> dict[str, AnyDeficit]:
    """Deficits by name: their own, that of the function, or the key under which they are given.

    Raises:
        StudyError: there is none, one is neither, or two have one name.
    """
    several = [given] if isinstance(given, Deficit) or callable(given) else given
    if isinstance(several, str | bytes) or not isinstance(several, Iterable):
        raise StudyError(
            f"{function}: deficits: received {type(several).__name__}; must be a list or a mapping of deficits, such "
            "as [Blur(factor=4)]"
        )
    pairs = list(several.items()) if isinstance(several, Mapping) else [(_name(one), one) for one in several]
    if not pairs:
        raise StudyError(f"{function}: deficits: received none; give at least one, such as [Blur(factor=4)]")
    for name, one in pairs:
        if not isinstance(name, str):
            raise StudyError(f"{function}: deficits: received the name {name!r}; must be a text")
        if isinstance(one, type) and issubclass(one, Deficit):
            raise StudyError(f"{function}: deficits: received the class {one.__name__}; give {one.__name__}(...)")
        if not isinstance(one, Deficit) and not callable(one):
            raise StudyError(
                f"{function}: deficits: received {type(one).__name__} ({name}); must be one of critlab.deficits or a "
                "function (inputs, labels) -> (inputs, labels)"
            )
    names = [name for name, _ in pairs]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise StudyError(
            f"{function}: deficits: received {twice[0]!r} twice; give a mapping from names of your own to deficits"
        )
    return dict(pairs)


def _name(one: Any) -> str:
    if isinstance(one, Deficit):
        return one.name
    return str(getattr(one, "__name__", type(one).__name__))


class ForkDeficit(BatchDeficit):
    """What a fork's ``advance`` is given as ``deprive``: applies the deficit and checks that shapes stay.

    Global generators are as before after each batch, so that the batches that follow are those of the clean twin.

    Args:
        name: of the deficit, for messages.
        given: a deficit or a function; None leaves batches as they are.
        knowledge: what is known of the data.
        seed: of the repeat.
        epoch: epochs trained before this one.
        nudge: whether float inputs are changed by rounding, differently in each repeat, where nothing else differs.
    """

    def __init__(
        self,
        name: str,
        given: AnyDeficit | None,
        knowledge: DataInfo,
        *,
        seed: int,
        epoch: int,
        nudge: bool = False,
    ) -> None:
        super().__init__(given if isinstance(given, Deficit) else None, knowledge, seed=seed, epoch=epoch)
        self.name = name
        self._function = None if given is None or isinstance(given, Deficit) else given
        self._withholds = hasattr(given, "select")
        self._nudge = nudge and seed > 0

    def __call__(
        self, inputs: Any, labels: Any, numbers: Any = None, mask: Any = None, key: Key | None = None
    ) -> tuple[Any, Any]:
        """The batch after the deficit.

        Raises:
            StudyError: the deficit cannot be applied, or changes shapes or types.
        """
        if self._nudge:
            inputs = _nudged(inputs, generator(self.seed, "measure", self.epoch, self.position))
        if self._function is None and self.deficit is None:
            return super().__call__(inputs, labels, numbers, mask, key)
        with seeded(stream(self.seed, "deficit", self.epoch, self.position)):
            if self._function is None:
                found = super().__call__(inputs, labels, numbers, mask, key)
            else:
                self.position += 1
                found = self._called(self._function, inputs, labels)
        if not self._withholds:
            self._check("inputs", inputs, found[0])
            self._check("labels", labels, found[1])
        return found

    def _called(self, function: BatchFunction, inputs: Any, labels: Any) -> tuple[Any, Any]:
        if _parameters(function) == 1:
            return function(inputs), labels
        found = function(inputs, labels)
        if not isinstance(found, tuple | list) or len(found) != 2:
            raise StudyError(
                f"sensitivity: deficits: {self.name!r} returned {type(found).__name__}; must be (inputs, labels)"
            )
        return found[0], found[1]

    def _check(self, what: str, before: Any, after: Any) -> None:
        """Raises where a tensor or array has another shape or type than before."""
        one, other = _form(before), _form(after)
        if one is not None and one != other:
            raise StudyError(
                f"sensitivity: deficits: {self.name!r} changed {what} from {one} to {other or type(after).__name__}; "
                "must keep shape and type, as the model takes them"
            )


def _nudged(inputs: Any, draws: torch.Generator) -> Any:
    """Inputs whose float tensors are changed by rounding."""
    for place in inputs_in(inputs):
        one = at(inputs, place)
        if isinstance(one, Tensor) and one.is_floating_point():
            other = one * (1 + NUDGE * torch.randn(one.shape, generator=draws)).to(one)
            inputs = put(inputs, place, other) if place else other
    return inputs


def _form(value: Any) -> str | None:
    if isinstance(value, Tensor | np.ndarray):
        return f"{tuple(value.shape)} {str(value.dtype).removeprefix('torch.')}"
    forms = [f"{written(place)}: {_form(at(value, place))}" for place in inputs_in(value)]
    return "; ".join(forms) or None


def _parameters(function: BatchFunction) -> int:
    """How many arguments a function must be given."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 2
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(one.kind in kinds and one.default is inspect.Parameter.empty for one in found)
