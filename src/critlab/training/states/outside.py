"""The state of a model outside its ``state_dict``: attributes of its modules, and buffers that are not saved.

A number that counts steps, a list that remembers, a plain tensor, a generator: only where a checkpoint holds these
too does a network go on from it as if it had never stopped.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from critlab._core.errors import StudyError
from critlab.training.states.packing import Arrays, pack, unpack

TORCH = frozenset(nn.Module().__dict__)
"""Attributes that every module has; what of them is state is in its ``state_dict``."""

GENERATORS = (torch.Generator, np.random.Generator, np.random.RandomState, random.Random)
PLAIN = (bool, int, float, str, np.ndarray, np.generic, *GENERATORS)

NOT_LOOKED_INTO = (nn.Module, type, ModuleType, FunctionType, BuiltinFunctionType, MethodType, partial)
"""What is code, or is looked at elsewhere."""

DEPTH = 4
"""How many objects deep attributes of attributes are looked at."""

Values = dict[str, Any]
"""Plain values by place, such as ``hidden.steps``; copies."""


class Place(NamedTuple):
    """Where a value is: an attribute of an object, by the name of the place."""

    name: str
    owner: Any
    attribute: str
    value: Any


def outside(model: nn.Module) -> Values:
    """Every plain value outside the ``state_dict`` of ``model``, copied.

    Not among them: what is no plain value, as functions, modules and iterators are.
    """
    found: Values = {}
    for place in _places(model):
        try:
            found[place.name] = copied(place.value)
        except (StudyError, RecursionError):
            continue
    return found


def copied(value: Any) -> Any:
    """A copy of a plain value; of a generator, its state.

    Raises:
        StudyError: it holds something that is no plain value.
    """
    return unpack(pack(_plain(value)))


def changed(now: Values, before: Values) -> tuple[Values, list[str]]:
    """The values that are new or other than before, and the places that are no longer there."""
    new = {name: value for name, value in now.items() if name not in before or not same(value, before[name])}
    return new, [name for name in before if name not in now]


def packed(now: Values, before: Values) -> Arrays:
    """What differs as named arrays; empty where nothing does."""
    new, gone = changed(now, before)
    return pack({"new": new, "gone": gone}) if new or gone else {}


def restore(model: nn.Module, arrays: Mapping[str, Any]) -> None:
    """Puts into a new ``model`` what :func:`packed` found to differ from one."""
    if arrays:
        found = unpack(arrays)
        put(model, found["new"], found["gone"])


@torch.no_grad()
def put(model: nn.Module, values: Values, gone: list[str]) -> None:
    """Sets values by their places, in the objects that are there where there are such."""
    for name in (*gone, *values):
        owner, attribute = _owner(model, name)
        if name in gone:
            vars(owner).pop(attribute, None)
        else:
            _set(owner, attribute, values[name])


def same(one: Any, other: Any) -> bool:
    """Whether two plain values are the same, bit for bit."""
    first, second = pack(one), pack(other)
    return first.keys() == second.keys() and all(
        value.dtype == second[name].dtype and value.tobytes() == second[name].tobytes() for name, value in first.items()
    )


@contextmanager
def untouched(model: nn.Module) -> Iterator[None]:
    """Inside, a model may change its buffers and attributes; afterwards they are as they were."""
    buffers = {name: value.detach().clone() for name, value in model.named_buffers()}
    before = outside(model)
    try:
        yield
    finally:
        with torch.no_grad():
            for name, value in model.named_buffers():
                if name in buffers and buffers[name].shape == value.shape:
                    value.copy_(buffers[name])
        now = outside(model)
        new, gone = changed(before, now)
        put(model, new, gone)


def only_tensors(model: nn.Module, look: Callable[[], Any]) -> bool:
    """Whether ``look``, a forward pass of ``model``, changes no attribute of it and draws from torch alone."""
    before, drawn = outside(model), _drawn()
    look()
    return not any(changed(outside(model), before)) and same(drawn, _drawn())


def _drawn() -> Any:
    return [_plain(random.getstate()), np.random.get_state(legacy=False)["state"]]


def _places(model: nn.Module) -> Iterator[Place]:
    taught = {id(value) for values in (model.parameters(), model.buffers()) for value in values}
    saved = model.state_dict(keep_vars=True).keys()
    seen = {id(model)}
    for path, module in model.named_modules():
        below = f"{path}." if path else ""
        for name, value in module._buffers.items():
            if value is not None and f"{below}{name}" not in saved:
                yield Place(f"{below}{name}", module, name, value)
        for name, parameter in module._parameters.items():
            if parameter is not None:
                yield Place(f"{below}{name}.requires_grad", parameter, "requires_grad", parameter.requires_grad)
        yield from _attributes(module, below, TORCH, taught, seen, DEPTH)


def _attributes(
    owner: Any, below: str, without: frozenset[str], taught: set[int], seen: set[int], depth: int
) -> Iterator[Place]:
    for name, value in list(vars(owner).items()):
        if name in without or id(value) in taught or isinstance(value, NOT_LOOKED_INTO):
            continue
        if is_plain(value, taught):
            yield Place(f"{below}{name}", owner, name, value)
        elif hasattr(value, "__dict__") and not isinstance(value, Tensor) and depth and id(value) not in seen:
            seen.add(id(value))
            yield from _attributes(value, f"{below}{name}.", frozenset(), taught, seen, depth - 1)


def is_plain(value: Any, taught: Collection[int] = ()) -> bool:
    """Whether a value is a number, text, tensor, array or generator, or holds such alone.

    Args:
        value: anything.
        taught: the identities of tensors that a ``state_dict`` holds.
    """
    if isinstance(value, Mapping):
        return all(is_plain(key) and is_plain(item, taught) for key, item in value.items())
    if isinstance(value, list | set | frozenset | deque) or type(value) is tuple:
        return all(is_plain(item, taught) for item in value)
    if isinstance(value, Tensor):
        return not isinstance(value, nn.Parameter) and id(value) not in taught
    return value is None or isinstance(value, PLAIN)


def _plain(value: Any) -> Any:
    """``value`` as :func:`pack` takes it."""
    if isinstance(value, torch.Generator):
        return {"generator": value.get_state()}
    if isinstance(value, np.random.Generator):
        return {"generator": value.bit_generator.state}
    if isinstance(value, np.random.RandomState):
        return {"generator": value.get_state(legacy=False)}
    if isinstance(value, random.Random):
        return {"generator": value.getstate()}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((_plain(item) for item in value), key=repr)
    return [_plain(item) for item in value] if isinstance(value, list | deque) else value


def _owner(model: nn.Module, name: str) -> tuple[Any, str]:
    *path, attribute = name.split(".")
    owner: Any = model
    for part in path:
        owner = getattr(owner, part) if hasattr(owner, part) else owner[int(part)]
    return owner, attribute


def _set(owner: Any, attribute: str, value: Any) -> None:
    before = getattr(owner, attribute, None)
    if isinstance(owner, Tensor):
        owner.requires_grad_(value)
    elif isinstance(owner, nn.Module) and attribute in owner._buffers:
        owner._buffers[attribute] = value.to(before.device) if isinstance(before, Tensor) else value
    elif isinstance(before, GENERATORS):
        _seed(before, value["generator"])
    elif isinstance(before, Tensor) and isinstance(value, Tensor):
        setattr(owner, attribute, value.to(before.device))
    elif isinstance(before, dict) and isinstance(value, dict):
        before.clear()
        before.update(value)
    elif isinstance(before, list | deque | set):
        before.clear()
        before.update(value) if isinstance(before, set) else before.extend(value)
    else:
        device = next((one.device for one in owner.parameters()), None) if isinstance(owner, nn.Module) else None
        setattr(owner, attribute, value.to(device) if isinstance(value, Tensor) and device else value)


def _seed(live: Any, state: Any) -> None:
    if isinstance(live, torch.Generator):
        live.set_state(state)
    elif isinstance(live, np.random.Generator):
        live.bit_generator.state = state
    elif isinstance(live, np.random.RandomState):
        live.set_state(state)
    else:
        version, numbers, gauss = state
        live.setstate((version, tuple(numbers), gauss))
