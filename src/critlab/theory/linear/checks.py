"""What a person passes to a function of this room, checked: messages name the field, the value and what is allowed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from critlab._core.errors import StudyError
from critlab._core.problems import nearest, shown

Floats = NDArray[np.floating[Any]]
Name = TypeVar("Name", bound=str)

NUMPY_TYPES: dict[torch.dtype, type[np.floating[Any]]] = {torch.float64: np.float64, torch.float32: np.float32}


def refuse(field: str, received: Any, allowed: str) -> StudyError:
    """The error that says which field holds what, and what it must be."""
    return StudyError(f"{field}: received {shown(received)}; must be {allowed}")


def whole(field: str, value: Any, least: int) -> int:
    """``value`` as an int.

    Raises:
        StudyError: it is not a whole number of at least ``least``.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise refuse(field, value, f"a whole number, at least {least}")
    return int(value)


def wholes(field: str, values: Any, least: int) -> tuple[int, ...]:
    """A list of different whole numbers, one at least; a single number counts as a list of one.

    Raises:
        StudyError: it is empty, repeats itself, or an item is not a whole number of at least ``least``.
    """
    items = (values,) if isinstance(values, int | np.integer) else values
    if isinstance(items, str) or not isinstance(items, Iterable):
        raise refuse(field, values, "a list of whole numbers")
    found = tuple(whole(field, item, least) for item in items)
    if not found or len(set(found)) < len(found):
        raise refuse(field, found, "a list of at least one whole number, without repeats")
    return found


def number(field: str, value: Any, least: float, above: bool = False, most: float = math.inf) -> float:
    """``value`` as a float.

    Raises:
        StudyError: it is not a finite number from ``least`` (or above it) to ``most``.
    """
    scalar = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not scalar or not math.isfinite(value) or value < least or (above and value == least) or value > most:
        limit = f"above {least:g}" if above else f"at least {least:g}"
        raise refuse(field, value, f"a finite number {limit}" + (f" and at most {most:g}" if most < math.inf else ""))
    return float(value)


def one_of(field: str, value: Any, allowed: Sequence[Name]) -> Name:
    """``value``, if it is one of the names ``allowed``.

    Raises:
        StudyError: with the nearest name.
    """
    for name in allowed:
        if value == name:
            return name
    raise StudyError(f"{field}: received {shown(value)}{nearest(str(value), allowed)}")


def array(field: str, value: Any, dimensions: tuple[int, ...]) -> Floats:
    """``value``, a tensor, an array, a number or nested lists, as a finite float64 array.

    Raises:
        StudyError: it is not numbers, not finite, or has a number of dimensions that is not in ``dimensions``.
    """
    plain = value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else value
    allowed = f"finite numbers in {' or '.join(map(str, dimensions))} dimensions"
    try:
        found = np.array(plain, dtype=np.float64)
    except (TypeError, ValueError):
        raise refuse(field, value, allowed) from None
    if found.ndim not in dimensions:
        raise StudyError(f"{field}: received an array of shape {found.shape}; must be {allowed}")
    if not np.isfinite(found).all():
        raise refuse(field, value, allowed)
    return found


def numpy_type(dtype: Any) -> type[np.floating[Any]]:
    """The numpy type of a torch one.

    Raises:
        StudyError: it is neither float64 nor float32.
    """
    if dtype not in NUMPY_TYPES:
        raise refuse("dtype", dtype, "torch.float64 or torch.float32")
    return NUMPY_TYPES[dtype]
