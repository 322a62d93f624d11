"""Tensors as arrays that a checkpoint can hold, with the types that numpy lacks."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from critlab._core.errors import StudyError

CARRIERS = {
    torch.bfloat16: torch.int16,
    **{
        getattr(torch, name): torch.uint8
        for name in ("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu")
        if hasattr(torch, name)
    },
}
"""Types that numpy lacks, and those of the same size that carry their bits."""

MARK = "~"
"""Between the name of an array and the type of the tensor, where the array's own type does not say it."""


def array_of(value: Tensor, where: str) -> NDArray[Any]:
    """A copy of a tensor as an array: the bits of the types in :data:`CARRIERS`, pairs for complex numbers.

    Raises:
        StudyError: a checkpoint cannot hold it; ``where`` says which tensor it is.
    """
    if torch.nn.parameter.is_lazy(value):
        raise StudyError(f"{where}: has no shape yet; call the model once after creating it")
    if value.layout != torch.strided or value.is_quantized or value.is_nested or value.is_meta:
        form = "quantised" if value.is_quantized else "nested" if value.is_nested else f"{value.layout}"
        form = "without values (meta)" if value.is_meta else form.removeprefix("torch.")
        raise StudyError(f"{where}: is {form}, which a checkpoint cannot hold; must be a dense tensor")
    plain = value.detach().resolve_conj().resolve_neg().cpu().contiguous()
    if plain.is_complex():
        plain = torch.view_as_real(plain)
    return np.array(plain.view(CARRIERS.get(plain.dtype, plain.dtype)).numpy(), order="C")


def tensor_of(array: NDArray[Any], dtype: torch.dtype) -> Tensor:
    """The tensor of that type whose :func:`array_of` the array is; a copy, on the CPU."""
    value = torch.from_numpy(np.array(array))
    if dtype.is_complex and not value.is_complex():
        return torch.view_as_complex(value)
    return value.view(dtype)


def type_name(value: Tensor) -> str:
    """The name of a tensor's type."""
    return str(value.dtype).removeprefix("torch.")


def marked(name: str, value: Tensor) -> str:
    """The name of the array of ``value``: with its type, where the array's own type does not say it."""
    special = value.dtype in CARRIERS or value.is_complex()
    return f"{name}{MARK}{type_name(value)}" if special else name


def unmarked(name: str, array: NDArray[Any]) -> tuple[str, Tensor]:
    """The name and the tensor of an array that goes by a :func:`marked` name."""
    plain, mark, kind = name.rpartition(MARK)
    dtype = getattr(torch, kind, None) if mark else None
    if isinstance(dtype, torch.dtype):
        return plain, tensor_of(array, dtype)
    return name, torch.from_numpy(np.array(array))
