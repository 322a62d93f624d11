"""The smallest workable options of every registered component, found from its options, so that a new row needs none."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt
from pydantic.fields import FieldInfo

from critlab._core.errors import StudyError
from critlab._core.spec import Spec
from critlab.data.spec import DataSpec
from critlab.deficits import DEFICITS, read_deficit
from critlab.deficits.input_form import UNIT
from critlab.models import MODELS, ModelSpec

SIZES: dict[str, Any] = {"width": 2, "hidden": [6], "blocks": 1, "vocabulary": 16, "padding": 15}
"""Options that decide how large a model is, whether required or not; of tokens, those of the embedded sequences."""

SOURCES: list[dict[str, Any]] = [
    {"name": "sample"},
    {"name": "two_view", "of": "sample", "view_width": 16},
    {"name": "token_sequences"},
]
"""Embedded data of one image, of two views and of tokens, of sides that every model can take."""

ONE_OF: dict[str, dict[str, Any]] = {"data_subset": {"fraction": 0.5}, "feature_dropout": {"share": 0.5}}
"""Where one of several optional options must be given, or the least or largest value leaves nothing to see."""


def smallest_deficit(name: str) -> dict[str, Any]:
    """``{"name": ..., **options}`` of a deficit."""
    return {"name": name, **_required(DEFICITS[name]), **ONE_OF.get(name, {})}


def deficits_of(example_shape: tuple[int, ...]) -> list[str]:
    """The deficits that such examples can suffer."""
    return [name for name in DEFICITS if _fits(name, example_shape)]


def _fits(name: str, example_shape: tuple[int, ...]) -> bool:
    try:
        read_deficit(smallest_deficit(name)).check_examples(example_shape)
    except StudyError:
        return False
    return True


def smallest_model(name: str) -> dict[str, Any]:
    """``{"name": ..., **options}`` of a model."""
    options = MODELS[name]
    sizes = {key: value for key, value in SIZES.items() if key in options.model_fields}
    return {"name": name, **_required(options), **sizes}


def smallest_data(model: str, train: int = 40) -> dict[str, Any]:
    """The ``[data]`` of the first of :data:`SOURCES` that a model takes, with few images."""
    for source in SOURCES:
        data = DataSpec(**source, train=train, test=20)
        if _takes(ModelSpec(**smallest_model(model)), data):
            return {**source, "train": train, "test": 20}
    raise AssertionError(f"{model} takes none of {SOURCES}: add data that it takes")


def _takes(model: ModelSpec, data: DataSpec) -> bool:
    try:
        model.check(data.shape() or ())
        model.check_form(data.form() or UNIT)
    except StudyError:
        return False
    return True


def _required(options: type[Spec]) -> dict[str, Any]:
    return {key: _least(key, info) for key, info in options.model_fields.items() if info.is_required()}


def _least(key: str, info: FieldInfo) -> Any:
    """The first of several names, or the least number that is allowed."""
    if get_origin(info.annotation) is Literal:
        return get_args(info.annotation)[0]
    for bound in info.metadata:
        if isinstance(bound, Ge):
            return bound.ge
        if isinstance(bound, Gt):
            assert isinstance(bound.gt, int | float)
            return bound.gt + 1
    raise AssertionError(f"{key} is required and has no least value: give it one, or add it to ONE_OF")
