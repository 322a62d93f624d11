"""Tensors from whatever a loader gives, and back into its form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from critlab._core.errors import StudyError


class Seen(NamedTuple):
    """What a deficit sees of a batch, and the way back.

    Args:
        values: as the deficit takes them.
        back: from what the deficit made of ``values`` to the form in which they came.
        unit: whether the values are in [0, 1].
    """

    values: Tensor
    back: Callable[[Tensor], Any]
    unit: bool = True


def called(dtype: torch.dtype) -> str:
    """A type as people write it, such as ``uint8``."""
    return str(dtype).removeprefix("torch.")


def tensor_of(given: Any, what: str) -> Seen:
    """``given`` as a tensor with values in strided memory.

    Args:
        given: a tensor or a numpy array of numbers, with at least one axis.
        what: how a person knows it, such as ``"deficit 'blur': inputs"``.

    Raises:
        StudyError: it is something else.
    """
    if isinstance(given, np.ndarray) and given.dtype.kind in "biufc":
        # torch knows neither foreign byte orders nor negative strides
        native = np.array(given, dtype=given.dtype.newbyteorder("="), order="C")
        return Seen(
            _strided(torch.from_numpy(native), what), lambda new: new.detach().cpu().numpy().astype(given.dtype)
        )
    if not isinstance(given, Tensor):
        raise StudyError(f"{what}: received {_described(given)}; must be a tensor (batch, ...)")
    return Seen(_strided(given, what), lambda new: new)


def _strided(values: Tensor, what: str) -> Tensor:
    odd = (
        "a meta tensor, which has no values"
        if values.is_meta
        else "a nested tensor"
        if values.is_nested
        else "a sparse tensor"
        if values.layout is not torch.strided
        else "a quantised tensor"
        if values.is_quantized
        else "a single number"
        if values.ndim == 0
        else ""
    )
    if odd:
        raise StudyError(f"{what}: received {odd}; must be an ordinary tensor (batch, ...)")
    return values


def _described(given: Any) -> str:
    if isinstance(given, np.ndarray):
        return f"a numpy array of {given.dtype}"
    if isinstance(given, Mapping):
        names = ", ".join(str(name)[:40] for name in list(given)[:8])
        return f"a mapping with {names or 'nothing'}"
    if isinstance(given, list | tuple):
        kinds = sorted({type(one).__name__ for one in given[:100]})
        return f"a {type(given).__name__} of {len(given)} {' and '.join(kinds[:3]) or 'items'}"
    return f"something of type {type(given).__name__}"


def whole(values: Tensor, what: str) -> Seen:
    """Whole numbers as int64, and back; torch computes little with the unsigned types.

    Args:
        values: of a whole type, or whole numbers in float.
        what: how a person knows them.

    Raises:
        StudyError: on the way back, a new number is none that the type of ``values`` can hold.
    """
    dtype = values.dtype
    if dtype == torch.int64:
        return Seen(values, lambda new: new)

    def back(new: Tensor) -> Tensor:
        returned = new.to(dtype)
        if not torch.equal(returned.long(), new):
            raise StudyError(f"{what}: are {called(dtype)}, which cannot hold every new number; give them as int64")
        return returned

    return Seen(values.long(), back)


def is_whole(values: Tensor) -> bool:
    """Whether ``values`` are of a whole type, bool not counted."""
    return not (values.is_floating_point() or values.is_complex() or values.dtype == torch.bool)


def sized(given: Any) -> int | None:
    """How many examples a tensor or array has; None for anything else."""
    if isinstance(given, Tensor) and given.is_nested:
        return int(given.size(0))
    return len(given) if isinstance(given, Tensor | np.ndarray) and given.ndim else None


def taken(item: Any, shown: Tensor) -> Any:
    """``item`` with the examples that are ``shown``, bool ``(batch,)``; what has no entry for each of them stays."""
    if isinstance(item, Tensor) and item.is_nested:
        raise StudyError("a deficit that withholds examples received a nested tensor; must be an ordinary tensor")
    if isinstance(item, Tensor):
        places = shown.nonzero().flatten().to(item.device)
        # unlike an index of bool, places are known for a meta or sparse tensor too
        return item.index_select(0, places) if item.ndim and len(item) == len(shown) else item
    if isinstance(item, np.ndarray):
        return item[shown.numpy()] if item.ndim and len(item) == len(shown) else item
    if isinstance(item, Mapping):
        return {name: taken(one, shown) for name, one in item.items()}
    if isinstance(item, list) and len(item) == len(shown):
        return [one for one, kept in zip(item, shown.tolist(), strict=True) if kept]
    if isinstance(item, list | tuple):
        parts = [taken(one, shown) for one in item]
        return type(item)(*parts) if hasattr(item, "_fields") else type(item)(parts)
    return item
