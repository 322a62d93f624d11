"""The optimiser of a run, and its state as named tensors."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer

from critlab.study.runs.recipe import Recipe
from critlab.study.specs import OptimizerSpec


def make_optimizer(spec: OptimizerSpec, model: nn.Module) -> Optimizer:
    """A fresh optimiser; learning rate and weight decay are set by each epoch's recipe."""
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if spec.name == "adam":
        return Adam(trainable, lr=spec.lr, foreach=True)
    return SGD(trainable, lr=spec.lr, momentum=spec.momentum or 0.0, foreach=True)


def follow(optimizer: Optimizer, recipe: Recipe) -> None:
    """Sets what ``recipe`` says for an epoch; a course sets the learning rate again before each step."""
    set_rate(optimizer, recipe.lr)
    for group in optimizer.param_groups:
        group["weight_decay"] = recipe.weight_decay


def set_rate(optimizer: Optimizer, lr: float) -> None:
    """Sets the learning rate of the next step."""
    for group in optimizer.param_groups:
        group["lr"] = lr


def pack_optimizer(optimizer: Optimizer, model: nn.Module) -> dict[str, Tensor]:
    """The optimiser's tensors by parameter and kind, such as ``block1.conv.weight:momentum_buffer``."""
    return {
        f"{name}:{kind}": value
        for name, parameter in model.named_parameters()
        for kind, value in optimizer.state.get(parameter, {}).items()
        if isinstance(value, Tensor)
    }


def unpack_optimizer(optimizer: Optimizer, model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Puts :func:`pack_optimizer`'s tensors back, in the memory layout of the parameters they belong to."""
    parameters = dict(model.named_parameters())
    optimizer.state.clear()
    for key, value in tensors.items():
        name, _, kind = key.rpartition(":")
        parameter = parameters[name]
        if parameter.ndim == 0 and value.numel() == 1:
            value = value.reshape(())  # a file holds a single number as an array of one
        live = torch.empty_like(parameter) if value.shape == parameter.shape else torch.empty_like(value)
        optimizer.state[parameter][kind] = live.detach().copy_(value)
