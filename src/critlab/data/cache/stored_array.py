"""An array in the cache: a file that is mapped into memory, and what is known of its content without reading it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

DATA, JOURNAL, FACTS = "data.npy", "journal.jsonl", "facts.json"

CHUNK = 64
"""Examples that are read, hashed and summed together. It is part of every digest: never change it."""


@dataclass(frozen=True)
class ChunkFacts:
    """What is known of :data:`CHUNK` examples, or of fewer at the end.

    Args:
        chunk: its number, from 0.
        sha256: of its bytes.
        total: sum of each channel, or one sum where examples have fewer than three axes.
        squares: sum of squares, of the same form.
        low: the smallest value.
        high: the largest.
        labels: of its examples; empty where they are known from elsewhere.
    """

    chunk: int
    sha256: str
    total: tuple[float, ...]
    squares: tuple[float, ...]
    low: float
    high: float
    labels: tuple[int, ...] = ()

    @classmethod
    def of(cls, chunk: int, blocks: Iterable[tuple[NDArray[Any], Sequence[int]]]) -> ChunkFacts:
        """The facts of a chunk that comes in blocks ``(examples, ...)`` with labels, C-contiguous, in order.

        Sums of whole numbers are exact, so they do not depend on the blocks; those of floats do in the last bits.
        """
        content, labels, parts = hashlib.sha256(), [], []
        for values, some in blocks:
            content.update(values.data)
            labels += [int(label) for label in some]
            sums = [tuple(np.asarray(one).reshape(-1).tolist()) for one in _sums(values)]
            parts.append((*sums, values.min().item(), values.max().item()))
        totals, squares, lows, highs = zip(*parts, strict=True)
        return cls(chunk, content.hexdigest(), _summed(totals), _summed(squares), min(lows), max(highs), tuple(labels))

    def line(self) -> str:
        """The facts as one line of the journal."""
        return json.dumps(asdict(self)) + "\n"


SQUARED = 2**20
"""Values whose squares are summed at a time: few calls, in little memory."""


def _sums(values: NDArray[Any]) -> tuple[Any, Any]:
    """Sums and sums of squares by channel, as :class:`ChunkFacts` has them."""
    if values.dtype == np.uint8:
        return _byte_sums(values)
    axes = (0, -2, -1) if values.ndim >= 4 else tuple(range(values.ndim))
    wide = values.astype(np.int64 if values.dtype.kind in "iu" else np.float64)
    return wide.sum(axes), np.square(wide, out=wide).sum(axes)


def _byte_sums(values: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The same of at most :data:`CHUNK` examples of bytes; exact.

    The examples are summed first: 64 values of at most 255 fit into 16 bit, and of at most 255^2 into the 24 bit of
    float32, so that sums run at the speed of narrow types.
    """
    assert len(values) <= CHUNK
    total = np.add.reduce(values, axis=0, dtype=np.uint16)
    squares = np.zeros(values.shape[1:], dtype=np.float32)
    together = max(1, SQUARED // max(1, squares.size))
    wide = np.empty((min(together, len(values)), *squares.shape), dtype=np.float32)
    for first in range(0, len(values), together):
        some = values[first : first + together]
        np.copyto(wide[: len(some)], some)
        squares += np.square(wide[: len(some)], out=wide[: len(some)]).sum(0)
    inner = (-2, -1) if values.ndim >= 4 else tuple(range(values.ndim - 1))
    return total.sum(inner, dtype=np.int64), squares.sum(inner, dtype=np.float64).astype(np.int64)


def read_journal(path: Path) -> dict[int, ChunkFacts]:
    """The chunks that a journal lists, by number; a line that a killed process left unfinished does not count."""
    found = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else ():
        try:
            raw = json.loads(line)
            lists: Any = {key: tuple(one) if isinstance(one, list) else one for key, one in raw.items()}
            facts = ChunkFacts(**lists)
        except (ValueError, TypeError):
            continue
        found[facts.chunk] = facts
    return found


@dataclass(frozen=True)
class ArrayFacts:
    """What is known of a whole array.

    Args:
        digest: SHA-256 over those of its chunks, in order.
        total: as in :class:`ChunkFacts`, of all examples.
        squares: as ``total``.
        low: the smallest value.
        high: the largest.
    """

    digest: str
    total: tuple[float, ...]
    squares: tuple[float, ...]
    low: float
    high: float

    @classmethod
    def of(cls, chunks: Sequence[ChunkFacts]) -> ArrayFacts:
        """The facts of an array from those of its chunks, in order."""
        digest = hashlib.sha256("".join(chunk.sha256 for chunk in chunks).encode()).hexdigest()
        return cls(
            digest,
            _summed([chunk.total for chunk in chunks]),
            _summed([chunk.squares for chunk in chunks]),
            min(chunk.low for chunk in chunks),
            max(chunk.high for chunk in chunks),
        )


def _summed(parts: Sequence[Sequence[float]]) -> tuple[float, ...]:
    exact = all(isinstance(value, int) for part in parts for value in part)
    return tuple(sum(column) if exact else math.fsum(column) for column in zip(*parts, strict=True))


class StoredArray(np.memmap):
    """An array that is mapped from a file, read-only: only what is looked at is read.

    ``facts`` are those of the whole; what is cut out of it has none.
    """

    facts: ArrayFacts | None = None


def mapped(folder: Path) -> tuple[StoredArray, list[int]] | None:
    """The array in ``folder`` and the labels that its journal has; None where it is not there or not complete.

    The file must have the size and the time of change that it had when it was filled: then its content is known from
    the journal and is not read.
    """
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        status = (folder / DATA).stat()
        shape, dtype, offset = tuple(facts["shape"]), np.dtype(facts["dtype"]), int(facts["offset"])
        known = facts["schema_version"] == 1 and [status.st_size, status.st_mtime_ns] == facts["file"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    chunks = read_journal(folder / JOURNAL)
    if not known or sorted(chunks) != list(range(-(-shape[0] // CHUNK))):
        return None
    array = np.memmap(folder / DATA, dtype=dtype, mode="r", offset=offset, shape=shape).view(StoredArray)
    ordered = [chunks[number] for number in range(len(chunks))]
    array.facts = ArrayFacts.of(ordered)
    return array, [label for chunk in ordered for label in chunk.labels]


def bytes_of_array(shape: Sequence[int], dtype: np.dtype[Any]) -> int:
    """The bytes of an array of ``shape``."""
    return math.prod(shape) * dtype.itemsize
