"""MNIST, Fashion-MNIST and the sample that ships with critlab, all in the IDX layout.

Source: http://yann.lecun.com/exdb/mnist, "the IDX file format"; files may be gzipped, compressed by xz, or neither.
"""

from __future__ import annotations

import gzip
import lzma
import math
import zlib
from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from critlab._core.errors import DataError
from critlab.data.folder import MOST_BYTES, places
from critlab.data.formats.fetch import Official, fetched

Pair = tuple[NDArray[Any], NDArray[Any]]

_UNSIGNED_BYTE = 0x08
_COMPRESSED: dict[bytes, Callable[[BinaryIO], Any]] = {b"\x1f\x8b": gzip.open, b"\xfd7zXZ\x00": lzma.open}
"""How files begin that are compressed, and what opens them."""
_PARTS = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


class _Set(NamedTuple):
    title: str
    folders: tuple[str, ...]
    first_labels: tuple[int, ...]
    official: Official


_MNIST = _Set(
    title="MNIST",
    folders=("mnist", "MNIST/raw", "MNIST"),
    first_labels=(5, 0, 4, 1, 9, 2, 1, 3, 1, 4),
    official=Official(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        {
            "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
            "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
            "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
        },
    ),
)
_FASHION_MNIST = _Set(
    title="Fashion-MNIST",
    folders=("fashion_mnist", "fashion-mnist", "FashionMNIST/raw", "FashionMNIST"),
    first_labels=(9, 0, 0, 3, 0, 2, 7, 2, 5, 5),
    official=Official(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        {
            "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
            "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
            "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
        },
    ),
)


def read_mnist(folder: Path) -> tuple[Pair, Pair]:
    """MNIST from ``folder``, fetched into ``folder/mnist`` if it is not there.

    Returns:
        As :func:`read_split_files`.

    Raises:
        DataError: files are missing and cannot be fetched, are damaged, or are those of Fashion-MNIST.
    """
    return _read(folder, _MNIST, _FASHION_MNIST)


def read_fashion_mnist(folder: Path) -> tuple[Pair, Pair]:
    """Fashion-MNIST from ``folder`` or ``folder/fashion_mnist``; see :func:`read_mnist`."""
    return _read(folder, _FASHION_MNIST, _MNIST)


def read_sample(_folder: Path) -> tuple[Pair, Pair]:
    """The real images that ship with critlab; needs no folder."""
    with as_file(files("critlab.data") / "sample") as shipped:
        return read_split_files(shipped)


def read_split_files(place: Path) -> tuple[Pair, Pair]:
    """The four IDX files in ``place``.

    Returns:
        ``((images, labels), (images, labels))``, training and test: uint8 ``(N, 1, H, W)`` and uint8
        ``(N,)``.

    Raises:
        DataError: a file is missing or damaged.
    """
    train_images, train_labels, test_images, test_labels = (_found(place, part) for part in _PARTS)
    return _pair(train_images, train_labels), _pair(test_images, test_labels)


def read_idx(path: Path, axes: int) -> NDArray[np.uint8]:
    """The unsigned bytes of the IDX file at ``path``, compressed or not, as an array of ``axes`` axes.

    Raises:
        DataError: the file is no such file, or is cut short or damaged.
    """
    try:
        with path.open("rb") as raw:
            begin = raw.read(6)
            raw.seek(0)
            opened = next((opened for magic, opened in _COMPRESSED.items() if begin.startswith(magic)), None)
            if opened is None:
                return _parsed(raw, path, axes)
            with opened(raw) as stream:
                return _parsed(stream, path, axes)
    except (EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        raise DataError(
            f"{path} cannot be read ({error}); the download may be incomplete: delete it and download it again"
        ) from error


def _parsed(stream: BinaryIO, path: Path, axes: int) -> NDArray[np.uint8]:
    head = stream.read(4)
    expected = bytes((0, 0, _UNSIGNED_BYTE, axes))
    if head != expected:
        raise DataError(
            f"{path} begins with {head.hex()}, where IDX bytes with {axes} axes begin with {expected.hex()}; "
            "download it again"
        )
    lengths = stream.read(4 * axes)
    if len(lengths) < 4 * axes:
        raise DataError(f"{path} ends within its header; delete it and download it again")
    shape = tuple(int(n) for n in np.frombuffer(lengths, dtype=">u4"))
    size = math.prod(shape)
    if size > MOST_BYTES:
        raise DataError(
            f"{path} has the shape {shape} in its header, more than any official file; delete it and download it again"
        )
    # one byte more than there should be, so that a file that is too long is seen as well
    content = stream.read(size + 1)
    if len(content) != size:
        received = "more" if len(content) > size else f"{len(content)}"
        raise DataError(
            f"{path} has the shape {shape} in its header, {size} bytes, but holds {received}; download it again"
        )
    return np.frombuffer(content, dtype=np.uint8).reshape(shape)


def _read(folder: Path, wanted: _Set, other: _Set) -> tuple[Pair, Pair]:
    refused = None
    for place in places(folder, *wanted.folders):
        if all(_candidates(place, part) for part in _PARTS):
            first = tuple(int(label) for label in read_idx(_found(place, _PARTS[1]), axes=1)[:10])
            if first != other.first_labels:
                return read_split_files(place)
            refused = refused or place
    if refused:
        raise DataError(
            f"the files in {refused} are {other.title}, not {wanted.title}, whose files have the same names; "
            f"put {wanted.title} into {folder / wanted.folders[0]}"
        )
    into = folder / wanted.folders[0]
    fetched(wanted.title, wanted.official, into)
    return read_split_files(into)


def _candidates(place: Path, part: str) -> list[Path]:
    dotted = part.replace("-idx", ".idx")
    return [path for name in (part, dotted) for end in ("", ".gz", ".xz") if (path := place / f"{name}{end}").is_file()]


def _found(place: Path, part: str) -> Path:
    candidates = _candidates(place, part)
    if not candidates:
        raise DataError(f"{place} lacks {part}, with or without .gz; put it there")
    return candidates[0]


def _pair(images: Path, labels: Path) -> Pair:
    return read_idx(images, axes=3)[:, None], read_idx(labels, axes=1)
