"""How long each layer's weights are, and how far they are from where they began."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from critlab._core.errors import StudyError
from critlab.measures.components.weights import Weights
from critlab.measures.estimates import ROOT
from critlab.measures.reading import Probe, Reading
from critlab.measures.weights.parameter_groups import ParameterGroups


def weight_norms(model: nn.Module, since: Mapping[str, Tensor] | None = None) -> dict[str, float]:
    """The Euclidean length of each layer's weights, or of their way from other ones.

    Args:
        model: any module.
        since: parameters by their names in ``model.named_parameters()``, of the same shapes; None stands for zeros.

    Returns:
        One length for ``""``, the whole, and for each module that directly owns parameters that require gradients,
        ``"(root)"`` for the model itself.

    Raises:
        StudyError: no parameter requires gradients, or ``since`` lacks one of them.

    Error: rounding; sums are in float64.
    """
    weights = ParameterGroups.of(model, "weights")
    moved = [parameter.detach() for parameter in weights.parameters]
    if since is not None:
        lacking = [name for name in weights.names if name not in since]
        if lacking:
            raise StudyError(f"weights: since: lacks {', '.join(lacking)}; give the parameters of the same model")
        moved = [now - since[name].to(now) for name, now in zip(weights.names, moved, strict=True)]
    squares = weights.squared_norms(moved)
    lengths = torch.cat([squares.sum()[None], squares]).sqrt().tolist()
    return dict(zip(["", *(layer or ROOT for layer in weights.layers)], lengths, strict=True))


def measure(model: nn.Module, probe: Probe, options: Weights) -> list[Reading]:
    """``weight_norm`` and ``weight_distance`` from the untrained network of the same seed: the whole and each layer.

    Where the probe knows of no untrained network, there is no distance.
    """
    found = {"weight_norm": weight_norms(model)}
    if probe.untrained is not None:
        found["weight_distance"] = weight_norms(model, dict(probe.untrained().named_parameters()))
    return [
        Reading(quantity, layer, length, 0.0)
        for quantity, lengths in found.items()
        for layer, length in lengths.items()
    ]
