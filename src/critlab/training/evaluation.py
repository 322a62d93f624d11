"""The copy of a network that is tested, with BatchNorm statistics of its own."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn


@torch.no_grad()
def recomputed(
    model: nn.Module, batches: Iterator[Tensor], forward: Callable[[], AbstractContextManager[Any]]
) -> nn.Module:
    """``model`` itself where it has no running statistics; else a copy whose statistics come from ``batches`` alone.

    Everything but the modules with running statistics is in evaluation mode meanwhile. Every batch counts equally: the
    statistics are the plain means of the batches' means and variances.

    Args:
        model: stays as it is.
        batches: images as the network receives them, float ``(batch, ...)``.
        forward: makes the context of each forward pass.

    Cost: a forward pass over ``batches``, and a copy of the network.

    Source: as in the authors' code of Achille, Rovere and Soatto 2019, which computes the statistics again before each
    test.
    """
    if not any(_gathers(module) for module in model.modules()):
        return model
    twin = copy.deepcopy(model).eval()
    for module in filter(_gathers, twin.modules()):
        module.reset_running_stats()  # type: ignore[operator]
        module.momentum = None  # type: ignore[assignment]  # every batch counts equally
        module.train()
    for images in batches:
        with forward():
            twin(images)
    return twin.eval()


def _gathers(module: nn.Module) -> bool:
    return hasattr(module, "reset_running_stats") and getattr(module, "running_mean", None) is not None
