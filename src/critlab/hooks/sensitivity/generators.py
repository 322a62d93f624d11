"""Random generators that a user's functions hold: seeded like the global ones in forks, and as before afterwards."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FunctionType, MethodType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from critlab.training.seeding import seeded

DEEPEST = 6
"""Attributes of attributes that are searched: function, loader, sampler, its parts, their generators."""

MOST = 5000
"""Objects that are searched at most, since a closure may hold anything."""

WIDEST = 64
"""Items of a list or mapping that are searched; a longer one is data."""

Kinds = (torch.Generator, np.random.Generator, np.random.RandomState, random.Random)


def held_generators(*roots: Any) -> list[Any]:
    """Generators that functions or objects hold: in closures, globals that they name, and attributes.

    Args:
        roots: functions, loaders, states.
    """
    found: dict[int, Any] = {}
    seen: set[int] = set()
    level = [*roots]
    for _ in range(DEEPEST):
        following: list[Any] = []
        for one in level:
            if id(one) in seen or len(seen) >= MOST:
                continue
            seen.add(id(one))
            if isinstance(one, Kinds):
                found[id(one)] = one
            else:
                following += _inside(one)
        level = following
    return [*found.values()]


def _inside(one: Any) -> Iterable[Any]:
    if isinstance(one, functools.partial):
        return [one.func, *one.args, *one.keywords.values()]
    if isinstance(one, MethodType):
        return [one.__self__, one.__func__]
    if isinstance(one, FunctionType):
        cells = [cell.cell_contents for cell in one.__closure__ or () if _filled(cell)]
        named = [one.__globals__[name] for name in one.__code__.co_names if name in one.__globals__]
        return [*cells, *named, *(one.__defaults__ or ()), *(one.__kwdefaults__ or {}).values()]
    if isinstance(one, list | tuple | dict):
        items = list(one.values()) if isinstance(one, dict) else list(one)
        return items if len(items) <= WIDEST else []
    if isinstance(one, type | Tensor | np.ndarray | str | bytes | int | float) or type(one).__name__ == "module":
        return []
    if isinstance(one, nn.Module):
        return [value for module in one.modules() for value in vars(module).values() if isinstance(value, Kinds)]
    # every instance with attributes of its own, such as a loader, a sampler or a data set
    return list(getattr(one, "__dict__", {}).values())


def _filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


@contextmanager
def kept(generators: Iterable[Any]) -> Iterator[None]:
    """The generators stand afterwards where they stood."""
    back = [_back(one) for one in generators]
    try:
        yield
    finally:
        for restore in back:
            restore()


@contextmanager
def all_seeded(seed: int, generators: Iterable[Any]) -> Iterator[None]:
    """Global generators and these begin at ``seed``; afterwards the global ones stand where they stood.

    Those that are given stay where they are left: :func:`kept` around all forks puts them back once.
    """
    with seeded(seed):
        for place, one in enumerate(generators):
            _seed(one, (seed + place + 1) % 2**63)
        yield


def _back(one: Any) -> Callable[[], object]:
    if isinstance(one, torch.Generator):
        state = one.get_state()
        return lambda: one.set_state(state)
    if isinstance(one, np.random.Generator):
        inner = one.bit_generator.state
        return lambda: setattr(one.bit_generator, "state", inner)
    if isinstance(one, np.random.RandomState):
        drawn = one.get_state()
        return lambda: one.set_state(drawn)
    python = one.getstate()
    return lambda: one.setstate(python)


def _seed(one: Any, seed: int) -> None:
    if isinstance(one, torch.Generator):
        one.manual_seed(seed)
    elif isinstance(one, np.random.Generator):
        one.bit_generator.state = type(one.bit_generator)(seed).state
    elif isinstance(one, np.random.RandomState):
        one.seed(seed % 2**32)
    else:
        one.seed(seed)
