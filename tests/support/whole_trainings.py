"""Trainings as people have them: all that is left of one, and forks for a watch in it."""

from __future__ import annotations

import copy
import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

import critlab
from critlab.deficits import Deficit
from critlab.hooks.watch import Watch
from watched_trainings import always, same

CLASSES = 3


def examples(count: int = 32) -> list[tuple[Tensor, Tensor]]:
    """Vectors and their classes, which can be learned."""
    g = torch.Generator().manual_seed(0)
    labels = torch.randint(CLASSES, (count,), generator=g)
    inputs = torch.randn(count, 6, generator=g) + torch.nn.functional.one_hot(labels, 6)
    return list(zip(inputs, labels, strict=True))


def seeded(seed: int = 5) -> None:
    """Seeds every global generator."""
    for each in (torch.manual_seed, np.random.seed, random.seed):
        each(seed)


def left(**parts: Any) -> dict[str, Any]:
    """Copies of a training's parts, and where it has left the global generators."""
    drawn = [torch.get_rng_state(), random.random(), float(np.random.rand())]
    return {**copy.deepcopy(parts), "random": drawn}


def assert_same(plain: Mapping[str, Any], seen: Mapping[str, Any]) -> None:
    """Both trainings have left the same bits, and weights that are not those of a training that failed."""
    assert plain.keys() == seen.keys()
    for part in plain:
        assert same(plain[part], seen[part]), part
    assert all(bool(value.isfinite().all()) for value in plain["weights"].values())


def assert_looked(watch: Watch | None, *, steps: int, forked: bool) -> None:
    """The watch has seen every step, has records, and has forked where it could."""
    assert watch is not None
    assert not watch.asides
    assert watch.steps == steps
    assert watch.taken >= steps - 1, "a look at every step"
    assert watch.history
    assert bool(watch.course.looks) is forked


def permuted(inputs: Tensor) -> Tensor:
    """A deficit for forks that draws from the global generator and suits any inputs: examples change places."""
    return inputs[torch.randperm(len(inputs))]


def fork_plan(evaluate: Any, **known: Any) -> critlab.ForkPlan:
    """The shortest forks, whatever they cost."""
    return critlab.ForkPlan(deficits=[permuted], evaluate=evaluate, deprived=1, clean=1, fork_budget=20.0, **known)


def off(loader: Any, deficit: Deficit, **options: Any) -> critlab.DeficitLoader:
    """The loader with a deficit whose window is empty."""
    return critlab.DeficitLoader(loader, deficit, start=0, stop=0, **options)


def looked_at_always(callback: Any, begin: str) -> Any:
    """The callback, whose watch looks at every step; ``begin`` is the method that makes the watch."""
    method = getattr(callback, begin)

    def begun(*given: Any, **kept: Any) -> None:
        method(*given, **kept)
        always(callback.watch)

    setattr(callback, begin, begun)
    return callback
