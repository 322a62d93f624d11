"""Numbers that a person gives in Python: checked before anything is trained, each with one message."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from critlab._core.errors import StudyError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def whole(value: Any, name: str, least: int) -> int:
    """``value`` as an int; numpy's whole numbers are such, and True is none.

    Args:
        value: what was received.
        name: of the function and the argument, for the message, such as ``"when: total"``.
        least: the smallest that is allowed.

    Raises:
        StudyError: it is something else, or below ``least``.
    """
    if not is_whole(value) or value < least:
        raise StudyError(f"{name}: received {value!r}; must be a whole number, at least {least}")
    return int(value)


def is_whole(value: Any) -> bool:
    """Whether ``value`` is a whole number of Python's or numpy's; True is none."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def is_real(value: Any) -> bool:
    """Whether ``value`` is a finite number; True is none."""
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_) and math.isfinite(value)


_KINDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "bool": (lambda value: isinstance(value, bool | np.bool_), "True or False"),
    "int": (is_whole, "a whole number"),
    "float": (is_real, "a finite number"),
}
"""The plain types of fields, each with its check and its name in messages."""


def check_plain(options: DataclassInstance, of: str) -> None:
    """Refuse values of fields that are declared as truth values or numbers, and are something else.

    Args:
        options: their class is defined in a module whose annotations are texts.
        of: the function that takes them, for the message.

    Raises:
        StudyError: naming the field.
    """
    for one in fields(options):
        declared, _, none = str(one.type).partition(" | ")
        value = getattr(options, one.name)
        if declared not in _KINDS or (none == "None" and value is None):
            continue
        fits, allowed = _KINDS[declared]
        if not fits(value):
            also = ", or None" if none else ""
            raise StudyError(f"{of}: {one.name}: received {value!r}; must be {allowed}{also}")
