"""The filters of the first layer, as pictures."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from critlab._core.errors import StudyError
from critlab._core.problems import nearest, shown
from critlab.measures.components.filters import Filters
from critlab.measures.estimates import ROOT
from critlab.measures.picture import Picture
from critlab.measures.reading import Probe, Reading


def filters(model: nn.Module, example_shape: tuple[int, ...], layer: str | None = None) -> tuple[str, Tensor]:
    """What each unit of the first layer looks for.

    Args:
        model: any module.
        example_shape: ``(channels, height, width)``, in which the weights of an ``nn.Linear`` are laid out.
        layer: an ``nn.Conv2d`` or ``nn.Linear`` of the model by its name; None is the first in
            ``model.named_modules()``.

    Returns:
        The layer's name, and float ``(filters, channels, height, width)``: a copy of its weights.

    Raises:
        StudyError: there is no such layer, or its weights are no pictures of such examples.
    """
    found = {n: m for n, m in model.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)}
    if layer is not None and layer not in found:
        text = f"received {shown(layer)}, which names no nn.Conv2d or nn.Linear of the model{nearest(layer, found)}"
        raise StudyError(f"measures.filters.layer: {text}")
    if not found:
        raise StudyError("measure 'filters' needs an nn.Conv2d or nn.Linear, but the model has none; omit this measure")
    name = next(iter(found)) if layer is None else layer
    weight = found[name].weight.detach().clone()
    if weight.ndim == 4:
        return name, weight
    if len(example_shape) != 3 or weight.shape[1] != torch.Size(example_shape).numel():
        raise StudyError(
            f"measure 'filters': layer {name or ROOT} takes {weight.shape[1]} numbers, but examples have shape "
            f"{tuple(example_shape)}; its weights are not images (channels, height, width): omit this measure"
        )
    return name, weight.unflatten(1, example_shape)


def measure(model: nn.Module, probe: Probe, options: Filters) -> list[Reading]:
    """``filter_norm``, the root mean square length of all filters of the layer, with the picture of the first ones.

    Raises: see :func:`filters`.
    """
    layer, found = filters(model, tuple(probe.images.shape[1:]), options.layer)
    value = float(found.flatten(1).double().square().sum(1).mean().sqrt())
    picture = Picture.of(found[: options.filters].float().cpu().numpy())
    return [Reading("filter_norm", layer or ROOT, value, 0.0, picture)]
