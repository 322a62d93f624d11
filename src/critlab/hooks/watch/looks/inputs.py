"""What a model takes and what it gives, whatever the framework: a tensor, arguments by place or by name; logits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from critlab.errors import StudyError

Inputs = Tensor | tuple[Any, ...] | list[Any] | Mapping[str, Any]
"""A tensor; or a tuple or list of arguments by place; or a mapping of arguments by name. Examples lie along axis 0."""

Forward = Callable[[nn.Module, Any], Tensor]
"""From a model and its inputs to logits ``(examples, classes)`` or ``(examples, heads, classes)``."""


def unwrapped(model: nn.Module) -> nn.Module:
    """The user's own module inside what torch wraps around it: data parallelism, and ``torch.compile``."""
    inner: object = model
    while True:
        if isinstance(inner, nn.parallel.DistributedDataParallel | nn.DataParallel):
            inner = inner.module
        elif isinstance(inner, nn.Module) and hasattr(inner, "_orig_mod"):
            inner = inner._orig_mod
        else:
            assert isinstance(inner, nn.Module)
            return inner


def tensors(inputs: Inputs) -> Iterator[Tensor]:
    """The tensors among ``inputs`` that have an axis of examples."""
    found = [inputs] if isinstance(inputs, Tensor) else inputs.values() if isinstance(inputs, Mapping) else inputs
    yield from (value for value in found if isinstance(value, Tensor) and value.ndim)


def count(inputs: Inputs) -> int:
    """How many examples there are.

    Raises:
        StudyError: there is no tensor among the inputs, or it is empty.
    """
    if isinstance(inputs, Tensor | tuple | list | Mapping):
        first = next(tensors(inputs), None)
        if first is not None and len(first):
            return len(first)
    raise StudyError(
        f"watch: inputs: received {type(inputs).__name__} without examples; must be what the model takes: a tensor, "
        "a tuple of arguments, or a mapping of arguments by name (as a tokenizer gives)"
    )


def chosen(inputs: Inputs, places: Tensor) -> Inputs:
    """The examples at ``places``, int64 ``(some,)``: copies; what is no tensor of examples stays as it is."""
    total = count(inputs)

    def few(value: Any) -> Any:
        if not isinstance(value, Tensor) or not value.ndim or len(value) != total:
            return value
        return value.detach()[places.to(value.device)]

    if isinstance(inputs, Tensor):
        return few(inputs)  # type: ignore[no-any-return]
    if isinstance(inputs, Mapping):
        return {name: few(value) for name, value in inputs.items()}
    return tuple(few(value) for value in inputs)


def without_labels(inputs: Inputs) -> Inputs:
    """``inputs`` without ``labels``: a model that gets none computes no loss, and the watch draws labels itself."""
    if isinstance(inputs, Mapping):
        return {name: value for name, value in inputs.items() if name != "labels"}
    return inputs


def logits_of(model: nn.Module, inputs: Any) -> Tensor:
    """Calls ``model`` and finds the logits in what it returns.

    They are the output itself, its ``logits``, its item ``"logits"``, or the first of a tuple. Where the inputs have an
    ``attention_mask`` of the logits' ``(examples, positions)``, positions outside it get logits that are 0 and depend
    on nothing.
    """
    if isinstance(inputs, Tensor):
        given = model(inputs)
    else:
        given = model(**inputs) if isinstance(inputs, Mapping) else model(*inputs)
    found = _logits(given)
    mask = inputs.get("attention_mask") if isinstance(inputs, Mapping) else None
    if isinstance(mask, Tensor) and found.ndim == 3 and mask.shape == found.shape[:2]:
        return torch.where(mask[..., None].bool(), found, torch.zeros_like(found))
    return found


def _logits(given: Any) -> Tensor:
    found = getattr(given, "logits", given)
    if isinstance(found, Mapping) and "logits" in found:
        found = found["logits"]
    elif isinstance(found, tuple | list) and found:
        found = found[0]
    if not isinstance(found, Tensor):
        raise StudyError(
            f"watch: model: it gave {type(given).__name__} without logits; give forward=, a function "
            "(model, inputs) -> logits (examples, classes) or (examples, heads, classes)"
        )
    return found
