"""The optimiser of a run, and its state as named tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import ASGD, Optimizer

from critlab._core.errors import StudyError
from critlab._core.problems import shown
from critlab.study.optimizers.spec import OptimizerSpec
from critlab.study.runs.recipe import Recipe
from critlab.training.states.outside import is_plain
from critlab.training.states.packing import pack, unpack

SINGLE = ("step", "eta", "mu", "mu_product")
"""The kinds of state that torch's optimisers hold as a single number, which a file holds as an array of one."""

HERE, ON_CPU = "()", "(cpu)"
"""End the kind of a single number that a user's own optimiser holds, next to its parameter or on the CPU."""

OTHERS = "others/"
"""Before the names of what such an optimiser keeps in addition to tensors of parameters; no parameter's name has it."""

FACTORS = ("rate_factor", "decay_factor")
"""What a group of parameters multiplies learning rate and weight decay with; 1 where a group does not say."""


def make_optimizer(spec: OptimizerSpec, model: nn.Module) -> Optimizer:
    """A fresh optimiser; learning rate and weight decay are set by each epoch's recipe.

    Raises:
        StudyError: this version of torch does not have it, the model cannot have it, or a user's own fails.
    """
    made = spec.options.make(model, spec.lr, spec.momentum)
    for key, given in (("lr", spec.lr), ("weight_decay", spec.weight_decay)):
        if given and spec.options.tried and not any(key in group for group in made.param_groups):
            text = f"received {shown(given)}, but {spec.name} has groups of parameters without {key!r}"
            raise StudyError(f"optimizer.{key}: {text}, which critlab sets for every step")
    decays = [group.get("weight_decay", 0.0) for group in made.param_groups]
    for group, decay in zip(made.param_groups, decays, strict=True):
        group["rate_factor"] = group.get("lr", spec.lr) / spec.lr
        group["decay_factor"] = decay / max(decays) if max(decays) else 1.0
    return made


def follow(optimizer: Optimizer, recipe: Recipe) -> None:
    """Sets what ``recipe`` says for an epoch; a course sets the learning rate again before each step."""
    set_rate(optimizer, recipe.lr)
    for group in optimizer.param_groups:
        if "weight_decay" in group:
            group["weight_decay"] = recipe.weight_decay * group.get("decay_factor", 1.0)


def set_rate(optimizer: Optimizer, lr: float) -> None:
    """Sets the learning rate of the next step."""
    for group in optimizer.param_groups:
        group["lr"] = lr * group.get("rate_factor", 1.0)


def drop_state(optimizer: Optimizer, spec: OptimizerSpec, model: nn.Module) -> None:
    """Makes the state of ``optimizer`` that of a new one, as some begin with sums of their own."""
    fresh = make_optimizer(spec, model)
    optimizer.state.clear()
    optimizer.state.update(fresh.state)
    for group, new in zip(optimizer.param_groups, fresh.param_groups, strict=True):
        group.update({key: value for key, value in new.items() if key != "params"})


def pack_optimizer(optimizer: Optimizer, model: nn.Module) -> dict[str, Tensor]:
    """The optimiser's tensors by parameter and kind, such as ``block1.conv.weight:momentum_buffer``.

    Of a user's own optimiser also numbers and lists of a parameter's state, values of groups, and its attributes.

    Raises:
        StudyError: it keeps something that a checkpoint cannot hold; the message says where.
    """
    torchs = _is_torchs(optimizer)
    tensors = {
        f"{name}:{kind}{'' if torchs else _mark(value, parameter)}": value
        for name, parameter in model.named_parameters()
        for kind, value in optimizer.state.get(parameter, {}).items()
        if isinstance(value, Tensor)
    }
    others = {} if torchs else pack(_others(optimizer, model))
    return tensors | {f"{OTHERS}{name}": torch.from_numpy(value) for name, value in others.items()}


def unpack_optimizer(optimizer: Optimizer, model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Puts :func:`pack_optimizer`'s tensors back, in the memory layout of the parameters they belong to."""
    parameters = dict(model.named_parameters())
    optimizer.state.clear()
    for key, value in tensors.items():
        if not key.startswith(OTHERS):
            name, _, kind = key.rpartition(":")
            kind, live = _alive(kind, value, parameters[name], optimizer)
            optimizer.state[parameters[name]][kind] = live
    others = {key.removeprefix(OTHERS): value.numpy() for key, value in tensors.items() if key.startswith(OTHERS)}
    if others:
        _put(optimizer, parameters, unpack(others))


def _alive(kind: str, value: Tensor, parameter: nn.Parameter, optimizer: Optimizer) -> tuple[str, Tensor]:
    """The kind of a tensor of the state, and the tensor as the optimiser holds it."""
    for mark in (HERE, ON_CPU):
        if kind.endswith(mark):
            device = parameter.device if mark == HERE else torch.device("cpu")
            return kind.removesuffix(mark), value.reshape(()).to(device)
    if value.numel() == 1 and (kind in SINGLE or parameter.ndim == 0):
        there = parameter.ndim == 0 and kind not in SINGLE
        device = parameter.device if there or isinstance(optimizer, ASGD) else torch.device("cpu")
        return kind, value.reshape(()).to(device)
    if value.shape == parameter.shape:
        return kind, torch.empty_like(parameter, dtype=value.dtype).detach().copy_(value)
    return kind, value.to(parameter.device, copy=True)


def _mark(value: Tensor, parameter: nn.Parameter) -> str:
    """What says of a single number of a user's own optimiser that it is one, and where it lies."""
    return "" if value.ndim else HERE if value.device == parameter.device else ON_CPU


def _others(optimizer: Optimizer, model: nn.Module) -> dict[str, Any]:
    """What a user's own optimiser keeps in addition to tensors of parameters."""
    state = {
        name: {kind: value for kind, value in optimizer.state.get(parameter, {}).items() if _is_other(value)}
        for name, parameter in model.named_parameters()
    }
    groups = [{key: value for key, value in group.items() if _stays(key, value)} for group in optimizer.param_groups]
    own = {key: value for key, value in vars(optimizer).items() if key not in _USUAL and _stays(key, value)}
    return {"state": {name: kept for name, kept in state.items() if kept}, "groups": groups, "own": own}


def _put(optimizer: Optimizer, parameters: Mapping[str, nn.Parameter], others: Mapping[str, Any]) -> None:
    for name, kept in others["state"].items():
        optimizer.state[parameters[name]].update(kept)
    places = [*zip(optimizer.param_groups, others["groups"], strict=True), (vars(optimizer), others["own"])]
    for place, kept in places:
        for key, value in kept.items():
            before = place.get(key)
            moves = isinstance(before, Tensor) and isinstance(value, Tensor)
            place[key] = value.to(before.device) if moves else value  # type: ignore[union-attr]  # a tensor, if it moves


_USUAL = ("defaults", "state", "param_groups")


def _is_torchs(optimizer: Optimizer) -> bool:
    return type(optimizer).__module__.startswith(("torch.optim.", "critlab."))


def _is_other(value: Any) -> bool:
    return not isinstance(value, Tensor) and is_plain(value)


def _stays(key: str, value: Any) -> bool:
    return key not in ("params", "lr", *FACTORS) and not key.startswith("_") and is_plain(value)
