"""What is done to a network once, when the deficit has ended: shrink and perturb, reset, a forgetful optimiser."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import torch
from torch import nn
from torch.optim import Optimizer

from critlab._core.errors import StudyError
from critlab._core.problems import nearest, shown
from critlab.study.ingredients.intervention import Intervention


@torch.no_grad()
def intervene(model: nn.Module, optimizer: Optimizer, intervention: Intervention, fresh: nn.Module) -> None:
    """Changes ``model`` and ``optimizer`` in place: first the weights, then the layers, then the optimiser's state.

    ``w <- shrink * w + perturb * w_fresh`` for every parameter that requires gradients, BatchNorm's among them; then
    the layers to reset become those of ``fresh``, running statistics included; then the optimiser's state is dropped.
    Buffers of other layers stay. ``shrink = 0`` with ``perturb = 1`` so starts afresh, but for the buffers.

    Args:
        model: the network when the window has closed.
        optimizer: its optimiser.
        intervention: what is done.
        fresh: the same network, newly initialised; the only source of randomness.

    Raises:
        StudyError: ``model`` has no such layer.

    Source: shrink and perturb: Ash and Adams 2020; that the noise is a fresh initialisation, and not of the same
    deviation for every weight: see :class:`~critlab.study.ingredients.intervention.Intervention`.
    """
    check_layers(model, intervention.reset_layers)
    if (intervention.shrink, intervention.perturb) != (1.0, 0.0):
        noise = dict(fresh.named_parameters())
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                parameter.mul_(intervention.shrink).add_(noise[name], alpha=intervention.perturb)
    modules, new = dict(model.named_modules()), dict(fresh.named_modules())
    for layer in intervention.reset_layers:
        _copy(new[layer], modules[layer])
    if intervention.optimizer == "dropped":
        optimizer.state.clear()


def check_layers(model: nn.Module, layers: Collection[str]) -> None:
    """Raises StudyError, with the layers that there are, where ``model`` has no module with weights of such a name."""
    there = [name for name, module in model.named_modules() if name and module.state_dict()]
    for layer in layers:
        if layer not in there:
            text = f"received {shown(layer)}, which names no layer with weights{nearest(layer, _outermost(there))}"
            raise StudyError(f"intervention.reset_layers: {text}")


def _outermost(names: list[str]) -> Iterator[str]:
    """The names without a dot; all names where there is one such module only."""
    top = [name for name in names if "." not in name]
    yield from top if len(top) > 1 else names


def _copy(source: nn.Module, target: nn.Module) -> None:
    """Parameters and buffers, into the memory that the target has, whatever its layout."""
    for values in (nn.Module.parameters, nn.Module.buffers):
        for new, old in zip(values(source), values(target), strict=True):
            old.copy_(new)
