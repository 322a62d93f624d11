"""What training makes smaller: one objective a file, each a frozen value with ``learn``; torch inside functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from critlab._core.component import describe_component, plain_component, read_component
from critlab._core.loading.lazy import submodules
from critlab._core.registry import Registry
from critlab.objectives.cross_entropy import CrossEntropy
from critlab.objectives.cross_source_reconstruction import CrossSourceReconstruction
from critlab.objectives.cutmix import CutMix
from critlab.objectives.mixup import Mixup
from critlab.objectives.objective import Learned, Objective
from critlab.objectives.smoothed_cross_entropy import SmoothedCrossEntropy

__all__ = [
    "OBJECTIVES",
    "CrossEntropy",
    "CrossSourceReconstruction",
    "CutMix",
    "Learned",
    "Mixup",
    "Objective",
    "SmoothedCrossEntropy",
    "describe_objective",
    "plain_objective",
    "read_objective",
]


def read_objective(raw: str | Mapping[str, Any]) -> Objective:
    """The objective called ``raw``, or the one that ``{"name": ..., **options}`` describes.

    Raises:
        Problems: a ValueError whose locations lie inside ``raw``, for use in a validator.
    """
    return read_component({"name": raw} if isinstance(raw, str) else raw, OBJECTIVES)


def plain_objective(objective: Objective) -> dict[str, Any]:
    """``{"name": ..., **options}``, from which :func:`read_objective` makes an equal objective."""
    return plain_component(objective, OBJECTIVES)


def describe_objective(objective: Objective) -> dict[str, Any]:
    """The JSON mapping that names ``objective``; see :func:`critlab._core.component.describe_component`."""
    return describe_component(objective, OBJECTIVES)


OBJECTIVES: Registry[type[Objective]] = Registry(
    "objective",
    Objective,
    "critlab.objectives",
    {
        "cross_entropy": "critlab.objectives.cross_entropy:CrossEntropy",
        "smoothed_cross_entropy": "critlab.objectives.smoothed_cross_entropy:SmoothedCrossEntropy",
        "binary_cross_entropy": "critlab.objectives.binary_cross_entropy:BinaryCrossEntropy",
        "mean_squared_error": "critlab.objectives.mean_squared_error:MeanSquaredError",
        "mean_absolute_error": "critlab.objectives.mean_absolute_error:MeanAbsoluteError",
        "gaussian_likelihood": "critlab.objectives.gaussian_likelihood:GaussianLikelihood",
        "mixup": "critlab.objectives.mixup:Mixup",
        "cutmix": "critlab.objectives.cutmix:CutMix",
        "cross_source_reconstruction": "critlab.objectives.cross_source_reconstruction:CrossSourceReconstruction",
    },
    classes=True,
)
"""The objectives by name."""

if not TYPE_CHECKING:
    __getattr__ = submodules(__name__)
