"""Subsets of stored arrays, and stored arrays with padding: small ones in memory, large ones in the cache as well."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from critlab.data.cache.filling import Filling, Rows, filled
from critlab.data.cache.stored_array import StoredArray, bytes_of_array

MOST_IN_MEMORY = 256 * 2**20
"""Bytes of a result that is made in memory."""


def taken(values: NDArray[Any], places: NDArray[np.int64]) -> NDArray[Any]:
    """``values[places]``; of a stored array, a large result is stored too and not held in memory.

    Raises:
        DataError: the cache cannot be written.
    """
    shape = (len(places), *values.shape[1:])
    if _fits(values, shape):
        return values[places]
    assert isinstance(values, StoredArray)
    assert values.facts is not None
    key = ["part", values.facts.digest, hashlib.sha256(np.ascontiguousarray(places).data).hexdigest()]

    def rows(first: int, last: int) -> Rows:
        return values[places[first:last]], ()

    return filled(Filling([*key, values.dtype.str, shape], shape, values.dtype, rows, "copying the subset"))[0]


def with_border(values: NDArray[Any], pad: int) -> NDArray[Any]:
    """``values`` ``(N, ..., H, W)`` as C-contiguous ``(N, ..., H + 2 pad, W + 2 pad)``, zeros around; as :func:`taken`.

    Raises:
        DataError: the cache cannot be written.
    """
    *kept, height, width = values.shape
    shape = (*kept, height + 2 * pad, width + 2 * pad)

    def rows(first: int, last: int) -> Rows:
        wide = np.zeros((last - first, *shape[1:]), dtype=values.dtype)
        wide[..., pad:-pad, pad:-pad] = values[first:last]
        return wide, ()

    if _fits(values, shape):
        return np.asarray(rows(0, len(values))[0])
    assert isinstance(values, StoredArray)
    assert values.facts is not None
    key = ["padded", values.facts.digest, pad, values.dtype.str, shape]
    return filled(Filling(key, shape, values.dtype, rows, "padding the images"))[0]


def _fits(values: NDArray[Any], shape: tuple[int, ...]) -> bool:
    known = isinstance(values, StoredArray) and values.facts is not None
    return not known or bytes_of_array(shape, values.dtype) <= MOST_IN_MEMORY
