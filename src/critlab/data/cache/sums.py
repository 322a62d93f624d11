"""Sums and sums of squares of an array that comes in blocks, by channel."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

TOGETHER = 2**16
"""Bytes that are widened to float32 at a time: 256 KB, which stays in the cache of a core."""

EXACT = 256
"""So many squares of bytes have a sum below 2^24, which float32 holds exactly."""


class Sums:
    """The sums of the blocks so far.

    Sums of whole numbers are exact, so they do not depend on the blocks. Those of floats do in the last bits.
    """

    def __init__(self) -> None:
        self._totals: list[tuple[float, ...]] = []
        self._squares: list[tuple[float, ...]] = []
        self._wide = np.empty(0, dtype=np.float32)

    def add(self, values: NDArray[Any]) -> None:
        """Add a block ``(examples, ...)``. With four axes or more, the last but two count the channels."""
        total, squares = self._of_bytes(values) if values.dtype == np.uint8 else _of_numbers(values)
        self._totals.append(tuple(np.asarray(total).reshape(-1).tolist()))
        self._squares.append(tuple(np.asarray(squares).reshape(-1).tolist()))

    @property
    def total(self) -> tuple[float, ...]:
        """The sum of each channel, or one sum where blocks have fewer than four axes."""
        return summed(self._totals)

    @property
    def squares(self) -> tuple[float, ...]:
        """The sum of squares, of the same form."""
        return summed(self._squares)

    def _of_bytes(self, values: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        channels = math.prod(values.shape[1:-2]) if values.ndim >= 4 else 1
        rows = values.reshape(len(values) * channels if values.ndim >= 4 else 1, -1)
        total, squares = np.zeros(len(rows)), np.zeros(len(rows))
        for piece in _pieces(rows):
            if self._wide.size < piece.size:
                self._wide = np.empty(max(piece.size, TOGETHER), dtype=np.float32)
            # the same memory each time: new memory would cost more than the sums
            wide = self._wide[: piece.size].reshape(piece.shape)
            np.copyto(wide, piece)
            total += np.einsum("rij->ri", wide).sum(1, dtype=np.float64)
            squares += np.einsum("rij,rij->ri", wide, wide).sum(1, dtype=np.float64)
        by_channel = [one.reshape(-1, channels).sum(0).astype(np.int64) for one in (total, squares)]
        return by_channel[0], by_channel[1]


def summed(parts: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """The sum of each column of ``parts``: exact where all are whole numbers, else rounded once."""
    exact = all(isinstance(value, int) for part in parts for value in part)
    return tuple(sum(column) if exact else math.fsum(column) for column in zip(*parts, strict=True))


def _pieces(rows: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """Views ``(rows, i, j)`` that cover ``rows``, with j at most :data:`EXACT`."""
    count, length = rows.shape
    step = max(1, TOGETHER // (count * EXACT)) * EXACT
    for first in range(0, length, step):
        part = rows[:, first : first + step]
        whole = part.shape[1] // EXACT * EXACT
        if whole:
            yield part[:, :whole].reshape(count, -1, EXACT)
        if whole < part.shape[1]:
            yield part[:, None, whole:]


def _of_numbers(values: NDArray[Any]) -> tuple[Any, Any]:
    axes = (0, -2, -1) if values.ndim >= 4 else tuple(range(values.ndim))
    wide = values.astype(np.int64 if values.dtype.kind in "iu" else np.float64)
    return wide.sum(axes), np.square(wide, out=wide).sum(axes)
