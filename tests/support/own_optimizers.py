"""Optimisers of a user's own: a class with state beyond tensors, and a function that makes groups of parameters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch.optim import SGD, Optimizer


class SignMomentum(Optimizer):
    """Moves by the sign of a momentum; counts its steps in a number, a tensor, a group and an attribute."""

    def __init__(self, params: Iterable[nn.Parameter], lr: float, beta: float = 0.9) -> None:
        super().__init__(params, {"lr": lr, "beta": beta, "weight_decay": 0.0, "calls": 0})
        self.calls = 0

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        self.calls += 1
        for group in self.param_groups:
            group["calls"] += 1
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if not state:
                    state.update(momentum=torch.zeros_like(parameter), count=0, scale=torch.tensor(1.0))
                state["count"] += 1
                state["scale"] *= 0.99
                state["momentum"].lerp_(parameter.grad, 1 - group["beta"])
                slower = 1 / (self.calls * group["calls"] * state["count"]) ** 0.1
                parameter.sub_(state["momentum"].sign() * state["scale"] * slower * group["lr"])


def without_decay_of_biases(params: list[nn.Parameter], lr: float, momentum: float = 0.0) -> Optimizer:
    """Two groups: biases have no weight decay and half of the rate."""
    weights, biases = ([one for one in params if (one.ndim > 1) == many] for many in (True, False))
    groups = [{"params": weights, "weight_decay": 1.0}, {"params": biases, "lr": lr / 2, "weight_decay": 0.0}]
    return SGD(groups, lr=lr, momentum=momentum)


def fails(params: list[nn.Parameter], lr: float) -> Optimizer:
    raise RuntimeError("no such optimiser")


def nothing(params: list[nn.Parameter], lr: float) -> None:
    return None


RATE = 0.1
