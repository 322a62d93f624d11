"""Filling an array of the cache: in pieces, on all cores, once, and again from where a killed process stopped."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from critlab._core.digest import digest
from critlab._core.errors import DataError
from critlab._core.terminal.progress import Progress
from critlab._core.terminal.text import say
from critlab.data.cache.place import alone, cache_folder, writable
from critlab.data.cache.stored_array import (
    CHUNK,
    DATA,
    FACTS,
    JOURNAL,
    ChunkFacts,
    StoredArray,
    bytes_of_array,
    mapped,
    read_journal,
)

Rows = tuple[NDArray[Any], Sequence[int]]

SPARE_BYTES = 64 * 2**20

BLOCK_BYTES = 2**20
"""What a thread holds of an array at a time, where an example is not larger. It is written, hashed and summed while it
is in the cache of the core; in smaller blocks, the calls would cost more than the work."""


@dataclass(frozen=True)
class Filling:
    """An array that is to be in the cache.

    Args:
        key: JSON values that name the source and how it is read; equal keys must give equal arrays.
        shape: ``(examples, ...)``.
        dtype: of the values.
        rows: from the numbers of the first and behind the last of at most 64 examples to their values
            ``(examples, ...)`` and, where the source has them, their labels. It is called by several threads.
        what: what a person reads while it is filled.
        threads: how many threads call ``rows``; None is one for each core of this process.
    """

    key: Any
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    rows: Callable[[int, int], Rows]
    what: str
    threads: int | None = None


def filled(filling: Filling) -> tuple[StoredArray, list[int]]:
    """The array of the cache, filled where it is not there yet, and the labels that ``rows`` gave.

    It appears whole or not at all. A process that is killed leaves finished pieces, which the next one checks by their
    digests and keeps. Two processes at once: the second waits for the first.

    Raises:
        DataError: ``rows`` raises it, or the cache cannot be written; finished pieces are kept.
        CritlabError: as ``rows``.

    Cost: ``rows`` for every example, once; afterwards a few milliseconds. Memory: for each thread 2 MB, or an
    example and what its sums need; 64 examples of floats.
    """
    place = cache_folder() / digest("array", filling.key)[:32]
    if (found := mapped(place)) is not None:
        return found
    with alone(place):
        if (found := mapped(place)) is None:
            with writable(place):
                if place.exists():
                    say(f"{place}: the cache was changed after it was filled; filling it again")
                    shutil.rmtree(place)
                partial = place.with_suffix(".partial")
                partial.mkdir(exist_ok=True)
            _fill(filling, partial)
            with writable(place):
                partial.rename(place)
            found = mapped(place)
    if found is None:
        raise DataError(f"{place}: the cache was changed while it was filled; repeat the command")
    return found


def _fill(filling: Filling, folder: Path) -> None:
    with writable(folder):
        descriptor = os.open(folder / DATA, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        with writable(folder):
            offset = _header(descriptor, filling)
            _check_room(filling, folder, os.fstat(descriptor).st_size)
        kept = _kept(filling, folder, descriptor, offset)
        examples = filling.shape[0]
        missing = [number for number in range(-(-examples // CHUNK)) if number not in kept]

        each = bytes_of_array(filling.shape[1:], filling.dtype)
        # sums of floats depend on the blocks, so that those of a chunk stay in one
        step = CHUNK if filling.dtype.kind == "f" else max(1, min(CHUNK, BLOCK_BYTES // max(1, each)))

        def blocks(first: int, last: int) -> Iterator[Rows]:
            for begin in range(first, last, step):
                end = min(begin + step, last)
                values, labels = filling.rows(begin, end)
                values = np.ascontiguousarray(values, dtype=filling.dtype)
                if values.shape != (end - begin, *filling.shape[1:]):
                    raise DataError(f"{filling.what}: received {values.shape[1:]}; must be {filling.shape[1:]}")
                with writable(folder):
                    _write(descriptor, values, offset + begin * each)
                yield values, labels

        def make(number: int) -> ChunkFacts:
            first = number * CHUNK
            return ChunkFacts.of(number, blocks(first, min(first + CHUNK, examples)))

        with writable(folder), (folder / JOURNAL).open("a", encoding="utf-8") as journal:
            journal.write("\n")  # ends a line that a killed process left unfinished
            with Progress(filling.what, examples, min(len(kept) * CHUNK, examples)) as progress:
                for facts in _in_order(make, missing, filling.threads or cores()):
                    journal.write(facts.line())
                    journal.flush()
                    progress.advance(min(CHUNK, examples - facts.chunk * CHUNK))
        with writable(folder):
            os.fsync(descriptor)
            status = os.fstat(descriptor)
            facts_of_file = [status.st_size, status.st_mtime_ns]
            facts_json = {"schema_version": 1, "shape": filling.shape, "dtype": filling.dtype.str, "offset": offset}
            content = json.dumps({**facts_json, "file": facts_of_file, "what": filling.what})
            (folder / FACTS).write_text(content, encoding="utf-8")
    finally:
        os.close(descriptor)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _header(descriptor: int, filling: Filling) -> int:
    """Writes the header of a ``.npy`` file, so that numpy can read the array too; returns where its values begin."""
    import io

    head = io.BytesIO()
    plain = {"descr": filling.dtype.str, "fortran_order": False, "shape": tuple(map(int, filling.shape))}
    np.lib.format.write_array_header_1_0(head, plain)
    _write(descriptor, np.frombuffer(head.getvalue(), dtype=np.uint8), 0)
    return len(head.getvalue())


def _check_room(filling: Filling, folder: Path, there: int) -> None:
    needed, free = bytes_of_array(filling.shape, filling.dtype) - there, shutil.disk_usage(folder).free
    if needed + SPARE_BYTES > free:
        raise DataError(
            f"{folder}: the cache needs {needed / 1e9:.1f} GB, but the disk has {free / 1e9:.1f} GB left; set "
            "CRITLAB_CACHE to a folder on another disk"
        )


def _kept(filling: Filling, folder: Path, descriptor: int, offset: int) -> dict[int, ChunkFacts]:
    """The pieces that an earlier process finished, and whose bytes are those that it wrote."""
    found, examples = {}, filling.shape[0]
    each = bytes_of_array(filling.shape[1:], filling.dtype)
    for number, facts in read_journal(folder / JOURNAL).items():
        first = number * CHUNK
        content = os.pread(descriptor, max(0, min(CHUNK, examples - first)) * each, offset + first * each)
        if content and hashlib.sha256(content).hexdigest() == facts.sha256:
            found[number] = facts
    return found


def _write(descriptor: int, values: NDArray[Any], place: int) -> None:
    left = memoryview(values.data).cast("B")
    while left:
        written = os.pwrite(descriptor, left, place)
        left, place = left[written:], place + written


def _in_order(make: Callable[[int], ChunkFacts], numbers: Sequence[int], threads: int) -> Iterator[ChunkFacts]:
    """``make`` of every number by several threads, a few ahead; after a failure, what is being made is still given."""
    stopped = threading.Event()

    def unless_stopped(number: int) -> ChunkFacts | None:
        return None if stopped.is_set() else make(number)

    waiting: deque[Future[ChunkFacts | None]] = deque()
    failure: Exception | None = None
    with ThreadPoolExecutor(threads) as pool:
        try:
            left = iter(numbers)
            waiting.extend(pool.submit(unless_stopped, number) for _, number in zip(range(2 * threads), left))  # noqa: B905
            while waiting:
                try:
                    found = waiting.popleft().result()
                except Exception as error:
                    failure = failure or error
                    stopped.set()
                    continue
                if found is not None:
                    yield found
                if failure is None and (number := next(left, None)) is not None:
                    waiting.append(pool.submit(unless_stopped, number))
        finally:
            stopped.set()
    if failure is not None:
        raise failure
