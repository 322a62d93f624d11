"""What the cache knows of an array: exact sums of whole numbers, however the array comes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from critlab.data.cache.filling import Filling, filled
from critlab.data.cache.stored_array import CHUNK, ChunkFacts
from critlab.data.cache.sums import EXACT, TOGETHER, Sums

SHAPES = [(CHUNK, 3, 40, 40), (5, 2, 3, 8, 8), (1, 1, 1, 1), (CHUNK, 10), (CHUNK,), (3, 5, 6), (2, 3, 700, 600)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_facts_are_those_of_wide_integers(shape: tuple[int, ...], dtype: type) -> None:
    rng = np.random.default_rng(1)
    values: NDArray[Any]
    for values in (rng.integers(0, 256, shape).astype(dtype), np.full(shape, 255, dtype)):
        cut = len(values) // 2
        parts: list[NDArray[Any]] = [values[:cut], values[cut:]]
        blocks = [(part, range(len(part))) for part in parts if len(part)]
        facts = ChunkFacts.of(7, blocks)
        wide = values.astype(np.int64)
        axes = (0, -2, -1) if len(shape) >= 4 else tuple(range(len(shape)))
        assert facts.total == tuple(np.asarray(wide.sum(axes)).reshape(-1).tolist())
        assert facts.squares == tuple(np.asarray((wide**2).sum(axes)).reshape(-1).tolist())
        assert (facts.low, facts.high) == (wide.min(), wide.max())
        assert facts.sha256 == hashlib.sha256(values.tobytes()).hexdigest()
        assert len(facts.labels) == len(values)


def test_sums_of_an_example_that_is_widened_in_parts() -> None:
    """The largest values, in sizes around the parts: a sum that were not exact would show."""
    for length in (EXACT - 1, EXACT, EXACT + 1, TOGETHER - 1, TOGETHER + EXACT + 1):
        sums = Sums()
        for _ in range(2):
            sums.add(np.full((1, 3, 1, length), 255, dtype=np.uint8))
        assert sums.total == (2 * 255 * length,) * 3
        assert sums.squares == (2 * 255**2 * length,) * 3


def test_blocks_of_whole_numbers_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread holds few examples where they are large, and the same array with the same facts is in the cache."""
    monkeypatch.setenv("CRITLAB_CACHE", str(tmp_path))
    values = np.random.default_rng(2).integers(0, 256, (2 * CHUNK + 5, 3, 9, 9), dtype=np.uint8)
    asked: list[int] = []

    def rows(first: int, last: int) -> tuple[NDArray[np.uint8], list[int]]:
        asked.append(last - first)
        return values[first:last], list(range(first, last))

    found = []
    for size in (4 * 2**20, 1000, 1):
        monkeypatch.setattr("critlab.data.cache.filling.BLOCK_BYTES", size)
        array, labels = filled(Filling(["blocks", size], values.shape, values.dtype, rows, "filling", threads=1))
        found.append((array.facts, labels, array.tobytes()))
        assert max(asked) == {4 * 2**20: CHUNK, 1000: 4, 1: 1}[size]
        asked.clear()
    assert found[0] == found[1] == found[2]
    assert found[0][1] == list(range(len(values)))
    assert found[0][2] == values.tobytes()
