"""Files that are either whole or not there."""

from __future__ import annotations

import errno
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

from critlab._core.posix import fcntl
from critlab.store.writer import alive, home

TEMPORARY = ".writing-"
"""How the name of an unfinished file begins; the writer's home and process follow."""

CANNOT_FLUSH = {errno.EINVAL, errno.ENOTSUP, errno.EBADF}
"""How file systems that cannot flush a folder say so."""

FORSAKEN_SECONDS = 24 * 3600
"""How long an unfinished file of another machine or container stays, although no process holds its lock.

The locks of some network file systems are seen on one machine only, and no single file takes this long to write.
"""


def write(path: Path, content: bytes) -> None:
    """Writes ``content`` to ``path`` so that no reader, and no power cut, ever sees half of it.

    A temporary file in the same folder is written, flushed to disk and renamed; then the folder is flushed. Its writer
    holds a lock on it, so that a cleanup sees that it is in use.

    Raises:
        OSError: the folder cannot be written, or the disk is full; nothing is left behind.
    """
    make_folder(path.parent)
    temporary = path.parent / f"{TEMPORARY}{home()}-{os.getpid()}-{secrets.token_hex(8)}"
    # unlike the standard library's temporary files, which only their owner can read, so that a group can share a store
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            _lock(descriptor)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
            os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _flush_folder(path.parent)


def make_folder(folder: Path) -> None:
    """Makes ``folder`` and those above it that are missing, each flushed into its parent: a power cut loses none.

    Raises:
        OSError: one cannot be made.
    """
    missing = []
    while not folder.is_dir() and folder != folder.parent:
        missing.append(folder)
        folder = folder.parent
    for new in reversed(missing):
        new.mkdir(exist_ok=True)
        _flush_folder(new.parent)


def abandoned(root: Path) -> Iterator[Path]:
    """The unfinished files below ``root`` whose writer is dead.

    These are those of a dead process of this machine, start and container, and those of others that no process has
    locked and that are more than a day old.
    """
    for path in root.rglob(f"{TEMPORARY}*"):
        whose, _, rest = path.name.removeprefix(TEMPORARY).partition("-")
        process = rest.partition("-")[0]
        try:
            if whose == home() and process.isdigit():
                left = not alive(int(process))
            else:
                left = time.time() - path.lstat().st_mtime > FORSAKEN_SECONDS
            if left and not path.is_symlink() and path.is_file() and not _is_locked(path):
                yield path
        except OSError:  # it has gone, or is not ours to judge
            continue


def _lock(descriptor: int) -> bool:
    """Locks a file; False where another process has, or where the file system has no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is_locked(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # without locks, a file of this machine goes by its process, one of another stays
        return not path.name.startswith(f"{TEMPORARY}{home()}-")
    finally:
        os.close(descriptor)
    return False


def _flush_folder(folder: Path) -> None:
    """Flushes a folder, where it may be read and its file system can flush folders."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except PermissionError:
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in CANNOT_FLUSH:
            raise
    finally:
        os.close(descriptor)
