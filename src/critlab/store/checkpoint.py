"""Checkpoints: named arrays in a safetensors file that carries the digest of all of them; nothing is ever unpickled."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from critlab._core.errors import StoreDamaged, StoreError
from critlab._core.problems import shown
from critlab.store.disk import files
from critlab.store.record import SCHEMA_VERSION, check_version

Arrays = Mapping[str, NDArray[np.generic]]

MOST_HEADER_BYTES = 2**24
"""How long a header may be: some hundred thousand arrays."""

CHUNK = 2**22
"""How many bytes are hashed at a time where the arrays are not needed."""

_TYPES = {
    "BOOL": "|b1",
    "U8": "|u1",
    "I8": "|i1",
    "U16": "<u2",
    "I16": "<i2",
    "F16": "<f2",
    "U32": "<u4",
    "I32": "<i4",
    "F32": "<f4",
    "U64": "<u8",
    "I64": "<i8",
    "F64": "<f8",
    "C64": "<c8",
}
"""What numpy calls the types of safetensors."""


def encode(name: str, arrays: Arrays) -> bytes:
    """The file of the state called ``name``; equal arrays give equal bytes.

    One metadata key holds everything: with several, the order in the header would vary from save to save.
    """
    contiguous = {key: np.ascontiguousarray(value) for key, value in arrays.items()}
    seal = {"schema_version": SCHEMA_VERSION, "state": name, "sha256": _digest(name, contiguous)}
    return save(contiguous, metadata={"critlab": json.dumps(seal, sort_keys=True)})


def decode(name: str, content: bytes) -> dict[str, NDArray[np.generic]]:
    """The arrays of the state called ``name``.

    Raises:
        StoreDamaged: the file is truncated, damaged, not a checkpoint, or another state's.
        StoreNewer: a newer critlab wrote it.
    """
    length = int.from_bytes(content[:8], "little")
    head = _head(name, content[: 8 + min(length, MOST_HEADER_BYTES)], len(content))
    try:
        arrays = load(content)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise _foreign(name, type(error).__name__) from None
    if head.sha256 != _digest(name, arrays):
        raise _edited(name)
    return arrays


def read(path: Path, name: str) -> dict[str, NDArray[np.generic]]:
    """The arrays of the state called ``name`` in the file at ``path``; no more is read than its header accounts for.

    Raises:
        FileNotFoundError: file not found.
        StoreDamaged: it fails its check.
        StoreNewer: a newer critlab wrote it.
        StoreError: it cannot be read, or is larger than the memory of this machine.
    """
    with files.opened(path) as (file, size):
        first = _first(file, size)
        _head(name, first, size)
        if size > (memory := memory_bytes()):
            raise StoreError(f"{path}: takes {size:,} bytes, more than the {memory:,} of this machine's memory")
        return decode(name, first + file.read(size - len(first)))


def memory_bytes() -> int:
    """Bytes of this machine's memory, which no checkpoint that is read may exceed."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def check(path: Path, name: str) -> None:
    """Check the file of the state called ``name`` against its own digest, in little memory.

    Raises:
        FileNotFoundError: file not found.
        StoreDamaged: it fails its check.
        StoreNewer: a newer critlab wrote it.
        StoreError: it cannot be read.
    """
    with files.opened(path) as (file, size):
        first = _first(file, size)
        head = _head(name, first, size)
        hashed = hashlib.sha256(name.encode())
        for key, array in sorted(head.arrays.items()):
            hashed.update(f"{key}:{array.dtype}:{array.shape};".encode())
            file.seek(len(first) + array.start)
            for piece in _pieces(file, array.stop - array.start):
                hashed.update(piece)
        if hashed.hexdigest() != head.sha256:
            raise _edited(name)


def claimed_digest(path: Path, name: str) -> str:
    """The digest of the arrays of the state called ``name`` by its file's header; the arrays are not read.

    Raises:
        FileNotFoundError: file not found.
        StoreDamaged: the header is damaged, or another state's.
        StoreNewer: a newer critlab wrote it.
        StoreError: it cannot be read.
    """
    with files.opened(path) as (file, size):
        return _head(name, _first(file, size), size).sha256


def refuse_newer(path: Path, name: str) -> None:
    """Raise where a newer critlab wrote the file; whatever else is wrong with it counts as damage.

    Raises:
        StoreNewer: it did.
        FileNotFoundError: file not found.
    """
    try:
        with files.opened(path) as (file, size):
            _head(name, _first(file, size), size)
    except StoreDamaged:
        return


class _Array(NamedTuple):
    """One array by its header: numpy's name of its type, its shape, and where its bytes lie behind the header."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


class _Head(NamedTuple):
    """What a file's header says: the arrays by name, and the digest of them all."""

    arrays: Mapping[str, _Array]
    sha256: str


def _first(file: BinaryIO, size: int) -> bytes:
    """The header with its length before it, as far as the file holds it."""
    length = file.read(8)
    return length + file.read(min(int.from_bytes(length, "little"), size, MOST_HEADER_BYTES))


def _head(name: str, first: bytes, size: int) -> _Head:
    """What the header says of the state called ``name``, in a file of ``size`` bytes."""
    try:
        header = json.loads(first[8:])
        seal = json.loads(header.pop("__metadata__")["critlab"])
        check_version(seal.get("schema_version"), f"checkpoint {name}")
        arrays = {str(key): _array(value) for key, value in header.items()}
        state, claimed = seal["state"], seal["sha256"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _foreign(name, type(error).__name__) from None
    if state != name:
        raise StoreDamaged(f"checkpoint {name}: holds another state, {shown(state)}")
    if size != len(first) + sum(array.stop - array.start for array in arrays.values()):
        raise StoreDamaged(f"checkpoint {name}: its size does not match its header; it was damaged")
    return _Head(arrays, claimed)


def _array(raw: Any) -> _Array:
    """An array as the header describes it.

    Raises:
        ValueError, KeyError, TypeError: it does not describe one.
    """
    dtype, shape, (start, stop) = _TYPES[raw["dtype"]], tuple(raw["shape"]), raw["data_offsets"]
    if len(shape) > 64:  # numpy's own limit; without it, a product of millions of sizes takes for ever
        raise ValueError("an array has too many dimensions")
    if not all(type(number) is int and 0 <= number < 2**63 for number in (*shape, start, stop)):
        raise ValueError("a size is not a whole number")
    if stop - start != math.prod(shape) * np.dtype(dtype).itemsize:
        raise ValueError("the size of an array does not match its shape")
    return _Array(dtype, shape, start, stop)


def _pieces(file: BinaryIO, count: int) -> Iterator[bytes]:
    while count > 0 and (piece := file.read(min(count, CHUNK))):
        count -= len(piece)
        yield piece


def _foreign(name: str, why: str) -> StoreDamaged:
    return StoreDamaged(f"checkpoint {name}: is not a critlab checkpoint ({why})")


def _edited(name: str) -> StoreDamaged:
    return StoreDamaged(f"checkpoint {name}: does not match its digest; it was damaged")


def _digest(name: str, arrays: Arrays) -> str:
    hashed = hashlib.sha256(name.encode())
    for key in sorted(arrays):
        value = arrays[key]
        hashed.update(f"{key}:{value.dtype.str}:{value.shape};".encode())
        hashed.update(value.data if value.flags.c_contiguous and value.size else value.tobytes())
    return hashed.hexdigest()
