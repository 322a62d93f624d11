"""CIFAR-10 and CIFAR-100 in the official layouts, binary and python, as folders or as their archives.

Source: https://www.cs.toronto.edu/~kriz/cifar.html, "Dataset layout".
"""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from critlab._core.errors import DataError
from critlab._core.problems import shown
from critlab.data.folder import MOST_BYTES, bytes_of, places
from critlab.data.formats.array_pickle import read_array_pickle
from critlab.data.formats.fetch import Official, fetched

Pair = tuple[NDArray[Any], NDArray[Any]]

_SHAPE = (3, 32, 32)
_PIXELS = 3072
_MOST_MEMBERS = 100
"""Of an archive; the official ones have 10."""


class _Layout(NamedTuple):
    folder: str
    archive: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    parse: Callable[[bytes, Path], Pair]


def read_cifar10(folder: Path) -> tuple[Pair, Pair]:
    """CIFAR-10 from ``folder``; the binary archive is fetched into it if nothing is there.

    Returns:
        ``((images, labels), (images, labels))``, training and test: uint8 ``(N, 3, 32, 32)`` and whole
        ``(N,)``.

    Raises:
        DataError: files are missing and cannot be fetched, or are damaged.
    """
    return _read(folder, "CIFAR-10", ("cifar10", "cifar-10", "CIFAR10"), _CIFAR10, _OFFICIAL10)


def read_cifar100(folder: Path) -> tuple[Pair, Pair]:
    """CIFAR-100 with its 100 fine labels; see :func:`read_cifar10`."""
    return _read(folder, "CIFAR-100", ("cifar100", "cifar-100", "CIFAR100"), _CIFAR100, _OFFICIAL100)


def parse_records(content: bytes, path: Path, label_bytes: int) -> Pair:
    """Images and labels of a binary batch.

    A record is ``label_bytes`` bytes, of which the last one is the label, then 3072 pixel bytes.
    """
    record = label_bytes + _PIXELS
    if not content or len(content) % record:
        raise DataError(
            f"{path} has {len(content)} bytes, which is not a multiple of the record size {record}; download it again"
        )
    rows = np.frombuffer(content, dtype=np.uint8).reshape(-1, record)
    return rows[:, label_bytes:].reshape(-1, *_SHAPE), rows[:, label_bytes - 1]


def parse_batch(content: bytes, path: Path, label_key: str) -> Pair:
    """Images and labels of a python batch; nothing that the pickle names is run."""
    batch = read_array_pickle(content, path)
    for key in ("data", label_key):
        if key not in batch:
            raise DataError(f"{path} has no {key!r}, it holds {shown(sorted(batch))}; download it again")
    images, labels = batch["data"], batch[label_key]
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.shape[1:] != (_PIXELS,):
        raise DataError(f"{path}: 'data' is not a uint8 array of shape (N, {_PIXELS}); download it again")
    if isinstance(labels, list) and not all(type(label) is int and 0 <= label < 256 for label in labels):
        raise DataError(f"{path}: {label_key!r} must be whole numbers from 0 to 255; download it again")
    if not isinstance(labels, list | np.ndarray) or np.shape(labels) != (len(images),):
        raise DataError(f"{path}: {label_key!r} is not a list of {len(images)} labels; download it again")
    return images.reshape(-1, *_SHAPE), np.asarray(labels)


_CIFAR10 = (
    _Layout(
        "cifar-10-batches-bin",
        "cifar-10-binary.tar.gz",
        tuple(f"data_batch_{k}.bin" for k in range(1, 6)),
        ("test_batch.bin",),
        lambda content, path: parse_records(content, path, label_bytes=1),
    ),
    _Layout(
        "cifar-10-batches-py",
        "cifar-10-python.tar.gz",
        tuple(f"data_batch_{k}" for k in range(1, 6)),
        ("test_batch",),
        lambda content, path: parse_batch(content, path, "labels"),
    ),
)
_CIFAR100 = (
    _Layout(
        "cifar-100-binary",
        "cifar-100-binary.tar.gz",
        ("train.bin",),
        ("test.bin",),
        lambda content, path: parse_records(content, path, label_bytes=2),
    ),
    _Layout(
        "cifar-100-python",
        "cifar-100-python.tar.gz",
        ("train",),
        ("test",),
        lambda content, path: parse_batch(content, path, "fine_labels"),
    ),
)
_ADDRESS = "https://www.cs.toronto.edu/~kriz/"
_OFFICIAL10 = Official(
    _ADDRESS,
    {"cifar-10-binary.tar.gz": "c32a1d4ab5d03f1284b67883e8d87530"},
    instead="cifar-10-python.tar.gz",
)
_OFFICIAL100 = Official(
    _ADDRESS,
    {"cifar-100-binary.tar.gz": "03b5dce01913d631647c71ecec9e9cb8"},
    instead="cifar-100-python.tar.gz",
)


def _read(
    folder: Path, title: str, names: Sequence[str], layouts: Sequence[_Layout], official: Official
) -> tuple[Pair, Pair]:
    for place in places(folder, *names):
        for layout in layouts:
            if place.name == layout.folder:
                return _joined(layout, _members_of_folder(place, layout), place)
            if (inside := place / layout.folder).is_dir():
                return _joined(layout, _members_of_folder(inside, layout), inside)
            if (archive := place / layout.archive).is_file():
                return _joined(layout, _members_of_archive(archive, layout), archive)
    fetched(title, official, folder)
    archive = folder / layouts[0].archive
    return _joined(layouts[0], _members_of_archive(archive, layouts[0]), archive)


def _members_of_folder(place: Path, layout: _Layout) -> dict[str, bytes]:
    members = {}
    for name in (*layout.train, *layout.test):
        try:
            members[name] = bytes_of(place / name)
        except OSError as error:
            raise DataError(
                f"{place / name} cannot be read ({error.strerror}); download the whole data set again"
            ) from error
    return members


def _members_of_archive(path: Path, layout: _Layout) -> dict[str, bytes]:
    wanted = {f"{layout.folder}/{name}": name for name in (*layout.train, *layout.test)}
    members: dict[str, bytes] = {}
    try:
        # as a stream, in the order of the archive: the files are read in one pass, and never written anywhere
        with gzip.open(path) as unpacked, tarfile.open(fileobj=_limited(unpacked), mode="r|") as archive:
            for number, member in enumerate(archive):
                if number >= _MOST_MEMBERS or len(members) == len(wanted):
                    break
                name = wanted.get(member.name.removeprefix("./"))
                # the size of a sparse member may be any, however small the archive
                if name and member.isfile() and sum(len(one) for one in members.values()) + member.size <= MOST_BYTES:
                    stream = archive.extractfile(member)
                    members[name] = stream.read() if stream else b""
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise DataError(
            f"{path} cannot be read ({error}); the download may be incomplete: delete it and download it again"
        ) from error
    lacking = [name for name in wanted.values() if name not in members]
    if lacking:
        raise DataError(f"{path} lacks {', '.join(lacking)}; delete it and download it again")
    return members


class _Limited:
    """A stream that ends with an error once it has given far more than any official archive holds."""

    def __init__(self, stream: gzip.GzipFile) -> None:
        self._stream, self._left = stream, MOST_BYTES

    def read(self, count: int) -> bytes:
        """At most ``count`` bytes."""
        self._left -= count
        if self._left < 0:
            raise OSError(f"it holds more than {MOST_BYTES // 10**6} MB")
        return self._stream.read(count)


def _limited(stream: gzip.GzipFile) -> IO[bytes]:
    return cast("IO[bytes]", _Limited(stream))  # a tar file that is read as a stream needs its read alone


def _joined(layout: _Layout, members: Mapping[str, bytes], place: Path) -> tuple[Pair, Pair]:
    train = [layout.parse(members[name], place / name) for name in layout.train]
    test = [layout.parse(members[name], place / name) for name in layout.test]
    return _concatenated(train), _concatenated(test)


def _concatenated(pairs: Sequence[Pair]) -> Pair:
    return np.concatenate([images for images, _ in pairs]), np.concatenate([labels for _, labels in pairs])
