"""The values that a study's parts are made of: epochs, clocks, components, lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer

from critlab._core.problems import Problems, shown
from critlab.deficits import Deficit, plain, read_deficit
from critlab.learning_tasks import LearningTask, plain_task, read_task
from critlab.objectives import Objective, plain_objective, read_objective

MOST_EPOCHS = 1_000_000
"""More than any study trains; a slip of the keyboard must not fill the memory."""

MOST_RATE = 1e30
"""Larger factors do not fit the optimiser's float32 and would break a run, where 1e30 already diverges in a step."""

Place = int | Literal["never"]
"""A point of a sweep: an epoch, or a deficit that is never removed."""

Epoch = Annotated[int, Field(ge=0, le=MOST_EPOCHS)]
Epochs = Annotated[int, Field(ge=1, le=MOST_EPOCHS)]


def _removal(value: Any) -> Any:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if value != "never" and not (whole and 0 <= value <= MOST_EPOCHS):
        hint = '; did you mean "never"?' if isinstance(value, str) and get_close_matches(value[:20], ["never"]) else ""
        raise Problems(
            [((), f'received {shown(value)}{hint} (allowed: an epoch from 0 to {MOST_EPOCHS:,}, or "never")')]
        )
    return value


Removal = Annotated[int | Literal["never"], BeforeValidator(_removal)]


def sequence(value: Any) -> Any:
    """Lists (as TOML gives them) and ranges become the tuples that a frozen specification holds."""
    return tuple(value) if isinstance(value, list | range) else value


def listed(values: Any) -> Any:
    """What can be gone through as a list, such as a generator or an array; anything else as it is."""
    if isinstance(values, str | bytes | dict):
        return values
    try:
        return list(values)
    except TypeError:
        return values


def increasing(values: Sequence[Any], field: str) -> None:
    """Raises Problems unless the epochs ``values`` increase; ``"never"`` may come last."""
    if "never" in values[:-1]:
        raise Problems([((field,), 'received "never" before the end; "never" must be the last value')])
    numbers = [v for v in values if v != "never"]
    for earlier, later in pairwise(numbers):
        if later <= earlier:
            raise Problems([((field,), f"received {later} after {earlier}; must be increasing")])


def _deficit(value: Any) -> Any:
    if isinstance(value, type) and issubclass(value, Deficit):
        raise Problems([((), f"received the class {value.__name__}; must be a deficit: {value.__name__}(...)")])
    return read_deficit(value) if isinstance(value, dict) else value


def _objective(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return read_objective(value)
        except Problems as error:
            # a name alone has no key to point at
            raise Problems([((), text) for _, text in error.problems]) from None
    return read_objective(value) if isinstance(value, dict) else value


def task_of(value: Any) -> Any:
    """The task that a name, or a table of name and options, describes; anything else as it is.

    Raises:
        Problems: there is no such task, or an option is out of its range.
    """
    if isinstance(value, str):
        try:
            return read_task(value)
        except Problems as error:
            # a name alone has no key to point at
            raise Problems([((), text) for _, text in error.problems]) from None
    return read_task(value) if isinstance(value, dict) else value


AnyDeficit = Annotated[Deficit, BeforeValidator(_deficit), PlainSerializer(plain)]
AnyTask = Annotated[LearningTask, BeforeValidator(task_of), PlainSerializer(plain_task)]
AnyObjective = Annotated[Objective, BeforeValidator(_objective), PlainSerializer(plain_objective)]


def without(plain: dict[str, Any], unsaid: Mapping[str, Any]) -> dict[str, Any]:
    """The plain values without the keys that have the value that ``unsaid`` gives them."""
    return {key: value for key, value in plain.items() if key not in unsaid or value != unsaid[key]}
