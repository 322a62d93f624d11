"""Watched trainings of any model: are their bits untouched, and is the trace that of brute force in float64?"""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from critlab.hooks.watch import Watch

Loss = Callable[[nn.Module, Any], Tensor]
Rows = Callable[[nn.Module, Any], Tensor]


def always(watch: Watch) -> Watch:
    """Looks at every step, whatever that costs."""
    watch._ledger.allows = lambda cost: True  # type: ignore[method-assign]
    watch._ledger.owed = lambda cost: 0.0  # type: ignore[method-assign]
    return watch


def trained(
    make: Callable[[], nn.Module],
    batch: Any,
    loss_of: Loss,
    *,
    watched: bool,
    steps: int = 14,
    between: Callable[[nn.Module, int], None] = lambda model, step: None,
    **options: Any,
) -> tuple[dict[str, Any], Watch | None]:
    """A training of some steps, and everything that a look could disturb."""
    for seed in (torch.manual_seed, np.random.seed, random.seed):
        seed(3)
    model = make().train()
    moving = torch.optim.AdamW(model.parameters(), lr=0.003)
    watch = always(Watch(model, budget=1.0, **options)) if watched else None
    losses = []
    for step in range(steps):
        between(model, step)
        moving.zero_grad()
        loss = loss_of(model, batch)
        loss.backward()
        moving.step()
        losses.append(loss.detach())
        if watch:
            watch.step(batch, loss)
    gradients = {name: one.grad for name, one in model.named_parameters()}
    left = {
        "weights": copy.deepcopy(model.state_dict()),
        "gradients": gradients,
        "moments": moving.state_dict()["state"],
        "losses": losses,
        "random": [torch.get_rng_state(), random.random(), float(np.random.rand())],
        "modes": [module.training for module in model.modules()],
        "trainable": [one.requires_grad for one in model.parameters()],
    }
    return left, watch


def same(a: Any, b: Any) -> bool:
    """Whether two nested values agree bit for bit."""
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, Mapping):
        return a.keys() == b.keys() and all(same(a[name], b[name]) for name in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


def untouched(make: Callable[[], nn.Module], batch: Any, loss_of: Loss, **options: Any) -> Watch:
    """Asserts that the training ends with the same bits; gives the watch."""
    plain, _ = trained(make, batch, loss_of, watched=False, **options)
    seen, watch = trained(make, batch, loss_of, watched=True, **options)
    assert watch is not None
    assert not watch.asides
    for part in plain:
        assert same(plain[part], seen[part]), part
    assert watch.history
    return watch


def exact(model: nn.Module, rows: Rows, examples: Any, count: int) -> dict[str, float]:
    """Each layer's trace by brute force: every example, every head or position, every label; each weight once."""
    model.eval()
    owners: dict[int, str] = {}
    parameters: list[nn.Parameter] = []
    for name, module in model.named_modules():
        for one in module.parameters(recurse=False):
            if one.requires_grad and id(one) not in owners:
                owners[id(one)] = name
                parameters.append(one)
    sums = dict.fromkeys(owners.values(), 0.0)
    log_p = rows(model, examples)
    assert len(log_p) % count == 0 or log_p.ndim == 2
    for value in log_p.reshape(-1, log_p.shape[-1]).flatten():
        found = torch.autograd.grad(value, parameters, retain_graph=True, allow_unused=True)
        for one, gradient in zip(parameters, found, strict=True):
            if gradient is not None:
                sums[owners[id(one)]] += float(value.detach().exp()) * float(gradient.abs().square().sum())
    return {name: value / count for name, value in sums.items()}


def agrees(model: nn.Module, batch: Any, rows: Rows, count: int, *, looks: int = 160, **options: Any) -> Watch:
    """Asserts that the watch's trace, whole and by layer, is that of brute force, within its error and tightly."""
    model = model.double().train()
    watch = always(Watch(model, budget=1.0, gradients=False, examples=count, **options))
    for _ in range(looks + 1):
        watch.step(batch)
    watch.close()
    truth = exact(model, rows, batch, count)
    traces = {name: [(one.looks, one.layers[name]) for one in watch.history] for name in watch.history[0].layers} | {
        "": [(one.looks, one.trace) for one in watch.history]
    }
    assert set(traces) - {""} == set(truth) - {""}
    truth[""] = math.fsum(truth.values())
    for name, readings in traces.items():
        weights = np.array([looked for looked, _ in readings], dtype=float)
        mean = float(np.average([one.value for _, one in readings], weights=weights))
        error = float(np.sqrt(np.sum((weights * [one.stderr for _, one in readings]) ** 2)) / weights.sum())
        assert abs(mean - truth[name]) <= 4.5 * error + 1e-9, (name, mean, error, truth[name])
    assert error < 0.2 * truth[""], "tight enough to say anything"
    return watch
