"""Who uses a store at all: whoever works in it shares one lock, and whoever frees files in it holds that lock alone."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from critlab._core.errors import StoreError
from critlab._core.posix import fcntl

IN_USE = "in-use"
"""The file that is locked; it stays empty."""

BUSY = {errno.EACCES, errno.EAGAIN}


@contextmanager
def shared(root: Path, warn: Callable[[str], None]) -> Iterator[None]:
    """Uses the store as long as it is open, together with others; waits while another process frees files in it.

    Args:
        root: the store's folder.
        warn: is called with a sentence where another process frees files.

    Raises:
        OSError: the file cannot be made, or the file system has no locks.
    """
    descriptor = _opened(root)
    try:
        if not _lock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB):
            warn(f"{root}: waiting for critlab gc, which is freeing files in this store")
            _lock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def stay(root: Path) -> None:
    """Uses the store until this process ends, together with others.

    Raises:
        OSError: the file cannot be made, or the file system has no locks.
    """
    _lock(_opened(root), fcntl.LOCK_SH)


@contextmanager
def exclusive(root: Path) -> Iterator[None]:
    """Holds the store alone as long as it is open.

    Raises:
        StoreError: another process uses it.
        OSError: the file cannot be made, or the file system has no locks.
    """
    descriptor = _opened(root)
    try:
        if not _lock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB):
            raise StoreError(f"{root}: another process is using this store; wait for it or stop it first")
        yield
    finally:
        os.close(descriptor)


def _opened(root: Path) -> int:
    # a descriptor of its own for every use: these locks belong to it, not to the process, and end when it is closed
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW
    return os.open(root / IN_USE, flags, 0o666)


def _lock(descriptor: int, operation: int) -> bool:
    """Whether the lock was had.

    Raises:
        OSError: it can never be had.
    """
    try:
        fcntl.flock(descriptor, operation)
    except OSError as error:
        if error.errno in BUSY:
            return False
        raise
    return True
