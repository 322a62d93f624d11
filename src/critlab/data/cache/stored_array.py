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

from critlab.data.cache.sums import Sums, summed

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
        content, sums, labels, lows, highs = hashlib.sha256(), Sums(), [], [], []
        for values, some in blocks:
            content.update(values.data)
            sums.add(values)
            labels += [int(label) for label in some]
            lows.append(values.min().item())
            highs.append(values.max().item())
        return cls(chunk, content.hexdigest(), sums.total, sums.squares, min(lows), max(highs), tuple(labels))

    def line(self) -> str:
        """The facts as one line of the journal."""
        return json.dumps(asdict(self)) + "\n"


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
            summed([chunk.total for chunk in chunks]),
            summed([chunk.squares for chunk in chunks]),
            min(chunk.low for chunk in chunks),
            max(chunk.high for chunk in chunks),
        )


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
