"""A look leaves nothing behind: in addition to what :func:`eval_guard` puts back, what modules keep in Python."""

from __future__ import annotations

import copy
import random
import sys
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from critlab.measures.eval_guard import eval_guard

HOOKS = ("_backward_hooks", "_backward_pre_hooks")
"""What listens to the backward pass; an optimiser that gathers statistics so must not see a look's gradients."""

OWN = {*vars(nn.Module()), "training"}
"""What every module has: parameters, buffers, submodules and hooks."""

FIXED = {type(None), bool, int, float, str, tuple, torch.Size, torch.dtype, torch.device}
"""Kinds of values that never change inside."""

PutBack = Callable[[], None]


@contextmanager
def untouched(model: nn.Module, seed: int) -> Iterator[None]:
    """Evaluation mode with gradients; afterwards the model and every global generator are as before.

    In addition to what :func:`~critlab.measures.eval_guard.eval_guard` puts back: attributes of modules (counters,
    caches,
    states that are carried along), generators that modules hold, and those of ``random`` and numpy. Listeners to the
    backward pass hear nothing, and what was compiled runs uncompiled, so that it is not compiled again for a look.

    Args:
        model: to look at.
        seed: of torch's global generators meanwhile.
    """
    modules = [module for module in model.modules() if not isinstance(module, torch.jit.ScriptModule)]
    kept = [(module, _attributes(module)) for module in modules]
    hooks = [(module, name, vars(module)[name]) for module in modules for name in HOOKS if vars(module).get(name)]
    python, numpy = random.getstate(), np.random.get_state()
    with eval_guard(model, seed), _uncompiled():
        for module, name, _ in hooks:
            vars(module)[name] = OrderedDict()
        try:
            yield
        finally:
            # setting a state takes much longer than reading one
            if random.getstate() != python:
                random.setstate(python)
            if _differ(np.random.get_state(), numpy):
                np.random.set_state(numpy)
            for module, name, listeners in hooks:
                vars(module)[name] = listeners
            for module, attributes in kept:
                _put_back(module, attributes)


def _differ(now: Any, before: Any) -> bool:
    return now[2:] != before[2:] or not np.array_equal(now[1], before[1])


def _uncompiled() -> AbstractContextManager[Any]:
    # importing the compiler where nothing was compiled would take seconds
    return torch.compiler.set_stance("force_eager") if "torch._dynamo" in sys.modules else nullcontext()


def _attributes(module: nn.Module) -> dict[str, tuple[Any, PutBack | None]]:
    """What a module keeps under which name, and how its contents are put back."""
    return {
        name: (value, None if type(value) in FIXED else _contents(value))
        for name, value in vars(module).items()
        if name not in OWN
    }


def _put_back(module: nn.Module, attributes: dict[str, tuple[Any, PutBack | None]]) -> None:
    there = vars(module)
    for name in [name for name in there if name not in OWN and name not in attributes]:
        del there[name]
    for name, (value, contents) in attributes.items():
        there[name] = value
        if contents is not None:
            contents()


def _contents(value: Any) -> PutBack | None:
    """Puts back what is inside of ``value``; None for a value that cannot change, or whose inside is its own affair."""
    if isinstance(value, torch.Generator):
        state = value.get_state()
        return lambda: _set_state(value, state)
    if isinstance(value, np.random.Generator):
        kept = copy.deepcopy(value.bit_generator.state)
        return lambda: setattr(value.bit_generator, "state", kept)
    if isinstance(value, random.Random):
        drawn = value.getstate()
        return lambda: value.setstate(drawn)
    if type(value) is Tensor:
        before = value.detach().clone()
        return lambda: _write(value, before)
    if type(value) in (list, deque):
        items = list(value)
        return lambda: _refill(value, items, lambda: value.extend(items))
    if type(value) in (dict, OrderedDict, set):
        inside = value.copy()
        return lambda: _refill(value, inside, lambda: value.update(inside))
    return None


def _set_state(generator: torch.Generator, state: Tensor) -> None:
    generator.set_state(state)


def _write(value: Tensor, before: Tensor) -> None:
    # writing only what changed leaves version counters alone, so a graph that the caller holds stays valid
    if value.shape != before.shape:
        value.data = before
    elif not torch.equal(value, before):
        with torch.no_grad():
            value.copy_(before)


def _refill(value: Any, before: Any, fill: Callable[[], object]) -> None:
    now, old = (list(one.items()) if isinstance(one, dict) else list(one) for one in (value, before))
    same = len(now) == len(old) and all(
        a is b or (isinstance(a, tuple) and isinstance(b, tuple) and all(map(_same, a, b)))
        for a, b in zip(now, old, strict=True)
    )
    if not same:
        value.clear()
        fill()


def _same(a: object, b: object) -> bool:
    return a is b
