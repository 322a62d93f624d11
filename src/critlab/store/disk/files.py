"""Reading files of unknown origin: regular files only, and never more than a set size."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from critlab._core.errors import StoreDamaged, StoreError


@contextmanager
def opened(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """Open a regular file for reading, without ever waiting for it.

    A symbolic link to a regular file counts as one.

    Returns:
        The open file, and its size in bytes.

    Raises:
        FileNotFoundError: file not found.
        StoreDamaged: something else stands there, such as a folder, a pipe or a device.
        StoreError: the system cannot read it.
    """
    try:
        # opening a device can set it off, so the kind is looked at first; it may change before the file is open
        _refuse_irregular(os.stat(path).st_mode)
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(f"{path}: file not found") from None
    except OSError as error:
        raise _unreadable(path, error) from None
    with os.fdopen(descriptor, "rb") as file:
        about = os.fstat(descriptor)
        _refuse_irregular(about.st_mode)
        try:
            yield file, about.st_size
        except OSError as error:
            raise _unreadable(path, error) from None


def read(path: Path, most: int) -> bytes:
    """Return the content of a regular file of at most ``most`` bytes.

    Raises:
        FileNotFoundError: file not found.
        StoreDamaged: it is no regular file, or is larger.
        StoreError: the system cannot read it.
    """
    with opened(path) as (file, size):
        if size > most:
            raise StoreDamaged(f"takes {size:,} bytes; such a file has at most {most:,}")
        return file.read(size)


def _refuse_irregular(mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise StoreDamaged(f"is {_NAMES.get(stat.S_IFMT(mode), 'no regular file')}; must be a regular file")


_NAMES = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def _unreadable(path: Path, error: OSError) -> StoreError:
    if error.errno == errno.ELOOP:
        return StoreDamaged("is a circular symbolic link; must be a regular file")
    return StoreError(f"{path}: cannot be read: {error.strerror or error}")
