"""A user's state as named arrays: nested dictionaries, lists, tensors and numbers, and nothing pickled."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from critlab._core.errors import StudyError
from critlab.training.states.arrays import array_of, tensor_of, type_name

STRUCTURE = "structure"
"""The array that holds, as JSON in bytes, how the others belong together."""

SINGLE = "single"
"""Marks a single number, which a file holds as an array of one."""

Arrays = dict[str, NDArray[Any]]


def pack(state: Any) -> Arrays:
    """The arrays of a state, copied; equal states give equal arrays.

    Args:
        state: tensors, numpy arrays, numbers, strings, booleans and None, in dictionaries, lists and tuples of any
            depth, such as ``{"model": model.state_dict(), "optimizer": optimizer.state_dict()}``.

    Raises:
        StudyError: something in it is none of these; the message says where.
    """
    arrays: Arrays = {}
    structure = json.dumps(_described(state, "state", arrays))
    return {**arrays, STRUCTURE: np.frombuffer(structure.encode(), dtype=np.uint8).copy()}


def unpack(arrays: Mapping[str, NDArray[Any]]) -> Any:
    """The state that :func:`pack` packed; tensors are copies on the CPU."""
    return _rebuilt(json.loads(bytes(arrays[STRUCTURE]).decode()), arrays)


def arrays_digest(arrays: Arrays) -> str:
    """SHA-256 of packed arrays, in hexadecimal."""
    found = hashlib.sha256()
    for name in sorted(arrays):
        found.update(f"{name}:{arrays[name].dtype}:{arrays[name].shape}".encode())
        found.update(arrays[name].tobytes())
    return found.hexdigest()


def _described(value: Any, where: str, arrays: Arrays) -> list[Any]:
    if isinstance(value, Tensor):
        return ["tensor", _kept(array_of(value, where), arrays), type_name(value), *([SINGLE] * (value.ndim == 0))]
    if isinstance(value, np.ndarray | np.generic):
        if value.dtype.kind not in "biuf":
            raise StudyError(f"{where}: received an array of {value.dtype}; must be numbers or booleans")
        return ["array", _kept(np.array(value, order="C"), arrays), *([SINGLE] * (np.ndim(value) == 0))]
    if isinstance(value, Mapping):
        pairs = [[_described(k, where, arrays), _described(v, f"{where}[{k!r}]", arrays)] for k, v in value.items()]
        return ["mapping", pairs]
    if isinstance(value, list | tuple):
        kind = "list" if isinstance(value, list) else "tuple"
        return [kind, [_described(item, f"{where}[{place}]", arrays) for place, item in enumerate(value)]]
    if value is None or isinstance(value, bool | int | float | str):
        return ["plain", value]
    raise StudyError(
        f"{where}: received {type(value).__name__}; what save returns must be tensors, arrays, numbers, strings, "
        "booleans and None in dictionaries, lists and tuples, such as the state_dict() of a model or an optimiser"
    )


def _kept(array: NDArray[Any], arrays: Arrays) -> str:
    name = f"array{len(arrays)}"
    arrays[name] = array
    return name


def _rebuilt(described: list[Any], arrays: Mapping[str, NDArray[Any]]) -> Any:
    kind, content = described[0], described[1]
    if kind == "tensor":
        tensor = tensor_of(arrays[content], getattr(torch, described[2]))
        return tensor.reshape(()) if described[-1] == SINGLE else tensor
    if kind == "array":
        array = np.array(arrays[content])
        return array.reshape(()) if described[-1] == SINGLE else array
    if kind == "mapping":
        return {_rebuilt(key, arrays): _rebuilt(value, arrays) for key, value in content}
    if kind in ("list", "tuple"):
        items = [_rebuilt(item, arrays) for item in content]
        return items if kind == "list" else tuple(items)
    return content
