"""What a model takes, whatever the framework: a tensor, arguments by place or by name, or both."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from critlab._core.errors import StudyError

LABELS = "labels"
"""The argument that holds the labels, in the convention of Hugging Face."""


@dataclass(frozen=True)
class Call:
    """The arguments of a call of a model: some by place, the others by name.

    Args:
        places: by place.
        names: by name.
    """

    places: tuple[Any, ...]
    names: Mapping[str, Any]


Inputs = Tensor | tuple[Any, ...] | list[Any] | Mapping[str, Any] | Call
"""A tensor; or a tuple or list of arguments by place; or a mapping of arguments by name; or both, as a :class:`Call`.

Examples lie along axis 0.
"""

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


def call_of(inputs: Inputs) -> Call:
    """``inputs`` as the arguments of a call."""
    if isinstance(inputs, Call):
        return inputs
    if isinstance(inputs, Mapping):
        return Call((), inputs)
    return Call((inputs,) if isinstance(inputs, Tensor) else tuple(inputs), {})


def by_name(model: nn.Module, inputs: Inputs) -> Mapping[str, Any]:
    """The arguments by the names that ``model.forward`` gives them; where they do not fit it, those given by name."""
    call = call_of(inputs)
    try:
        signature = inspect.signature(model.forward)
        found = dict(signature.bind(*call.places, **call.names).arguments)
    except (TypeError, ValueError):
        return call.names
    rest = [name for name, one in signature.parameters.items() if one.kind is one.VAR_KEYWORD and name in found]
    return found | {name: value for several in rest for name, value in found.pop(several).items()}


def count(inputs: Inputs) -> int:
    """How many examples there are.

    Raises:
        StudyError: there is no tensor among the inputs, or it is empty.
    """
    if isinstance(inputs, Tensor | tuple | list | Mapping | Call) and not isinstance(inputs, PackedSequence):
        first = next(tensors(inputs), None)
        if first is not None and len(first):
            return len(first)
    raise StudyError(
        f"watch: inputs: received {type(inputs).__name__} without examples; must be what the model takes: a tensor, "
        "a tuple of arguments, or a mapping of arguments by name (as a tokenizer gives)"
    )


def chosen(inputs: Inputs, places: Tensor) -> Inputs:
    """The examples at ``places``, int64 ``(some,)``: copies; what is no tensor of examples stays as it is."""
    found: Inputs = _few(inputs, places, count(inputs))
    return found


def without_labels(inputs: Inputs) -> Inputs:
    """``inputs`` without ``labels`` by name: a model that gets none computes no loss, and a look needs none."""
    if isinstance(inputs, Mapping):
        return {name: value for name, value in inputs.items() if name != LABELS}
    if isinstance(inputs, Call):
        return Call(inputs.places, {name: value for name, value in inputs.names.items() if name != LABELS})
    return inputs


def needs_labels(model: nn.Module, inputs: Inputs) -> bool:
    """Whether the model gives its logits only where it gets the labels too.

    An encoder-decoder of Hugging Face makes the decoder's inputs from the labels where it gets none.
    """
    names = call_of(inputs).names
    if LABELS not in names:
        return False
    parameter = _parameters(model).get(LABELS)
    if parameter is not None and parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD:
        return True
    decoded = any(names.get(name) is not None for name in ("decoder_input_ids", "decoder_inputs_embeds"))
    return encodes_and_decodes(model) and not decoded


def encodes_and_decodes(model: nn.Module) -> bool:
    """Whether it is, or holds, an encoder-decoder of Hugging Face."""
    return any(
        getattr(getattr(module, "config", None), "is_encoder_decoder", False) is True for module in model.modules()
    )


def _parameters(model: nn.Module) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(model.forward).parameters
    except (TypeError, ValueError):
        return {}


def tensors(value: Any) -> Iterator[Tensor]:
    """The tensors that have an axis of examples, in the order of the arguments."""
    if isinstance(value, Tensor):
        if value.ndim:
            yield value
    elif isinstance(value, Call):
        yield from tensors(value.places)
        yield from tensors(value.names)
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from tensors(one)
    elif isinstance(value, tuple | list) and not isinstance(value, PackedSequence):
        for one in value:
            yield from tensors(one)


def _few(value: Any, places: Tensor, total: int) -> Any:
    if isinstance(value, Tensor):
        return value.detach()[places.to(value.device)] if value.ndim and len(value) == total else value
    if isinstance(value, Call):
        return Call(_few(value.places, places, total), _few(value.names, places, total))
    if isinstance(value, Mapping):
        return {name: _few(one, places, total) for name, one in value.items()}
    if type(value) in (tuple, list):
        return tuple(_few(one, places, total) for one in value)
    # a batch that is a named tuple is taken apart; inside the batch, what has a form of its own keeps it
    return value
