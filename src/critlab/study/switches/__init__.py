"""What can be switched in the window of a study: one file, one class and one row for each key of ``[switch]``."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from critlab._core.component import path_name
from critlab._core.errors import StudyError
from critlab._core.loading.imports import is_path
from critlab._core.problems import Location, Problems, nearest, problems, shown
from critlab._core.registry import Registry
from critlab._core.spec import plain_numbers
from critlab.study.switches.switch import Switch as Switch

SWITCHES: Registry[type[Switch]] = Registry(
    "switch",
    Switch,
    "critlab.switches",
    {
        "weight_decay": "critlab.study.switches.optimisation.weight_decay:WeightDecay",
        "lr_factor": "critlab.study.switches.optimisation.lr_factor:LearningRateFactor",
        "augment": "critlab.study.switches.data.augment:Augment",
        "objective": "critlab.study.switches.optimisation.objective:SwitchedObjective",
        "select": "critlab.study.switches.data.select:Select",
        "batch": "critlab.study.switches.data.batch:Batch",
        "resolution": "critlab.study.switches.data.resolution:Resolution",
        "mixture": "critlab.study.switches.data.mixture:Mixture",
        "mixup": "critlab.study.switches.optimisation.mixup:Mixup",
        "cutmix": "critlab.study.switches.optimisation.cutmix:CutMix",
        "label_smoothing": "critlab.study.switches.optimisation.label_smoothing:LabelSmoothing",
        "dropout": "critlab.study.switches.network.dropout:Dropout",
        "freeze": "critlab.study.switches.network.freeze:Freeze",
        "optimizer": "critlab.study.switches.optimisation.optimizer:SwitchedOptimizer",
        "gradient_clip": "critlab.study.switches.optimisation.gradient_clip:GradientClip",
        "ema": "critlab.study.switches.network.ema:ExponentialAverage",
        "call": "critlab.study.switches.network.call:Call",
    },
    classes=True,
)
"""The keys of ``[switch]``, in the order in which they are applied."""


def read_switch(name: str, value: Any) -> Switch:
    """The switch that ``name = value`` in ``[switch]`` describes.

    Args:
        name: a row of :data:`SWITCHES`, or a user's own ``"package.module:Class"``.
        value: of the key.

    Raises:
        Problems: a ValueError whose locations begin with ``name``, for use in a validator.
    """
    if name not in SWITCHES and not is_path(name):
        raise Problems([((name,), f"unknown key, received {shown(value)}{nearest(name, SWITCHES)}")])
    try:
        kind = SWITCHES.find(name)
        return kind.model_validate({"value": plain_numbers(value)})
    except StudyError as error:
        raise Problems([((name,), str(error))]) from None
    except ValidationError as error:
        raise Problems([((name, *_below(where)), text) for where, text in problems(error, kind)]) from None


def switch_key(switch: Switch) -> str:
    """The key under which a study file gives ``switch``."""
    return path_name(type(switch), SWITCHES)


def _below(where: Location) -> Location:
    """A place in a switch without the ``value`` that a study file does not write."""
    return where[1:] if where[:1] == ("value",) else where
