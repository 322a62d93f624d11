"""Who is at work on what: locks of the operating system, which end with the process that holds them.

Every lock of a store is one byte of one file, at a place that the digest of its name says. So a process holds as many
as it likes through one descriptor, nothing has to be cleaned up, and a child process inherits none.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import stat
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from critlab._core.errors import StoreDamaged, StoreError, StoreUnwritable
from critlab._core.posix import fcntl
from critlab._core.terminal.text import one_line
from critlab.store.disk import files
from critlab.store.disk.atomic import make_folder
from critlab.store.disk.presence import exclusive, shared
from critlab.store.writer import alive, home

LOCKS = "locks"
"""The file whose bytes are locked; it stays empty."""

WRITER = "writer"
"""Says which process writes where the file system has no locks."""

MOST_MARK_BYTES = 2**16

NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL}
BUSY = {errno.EACCES, errno.EAGAIN}
FULL = {errno.ENOSPC, errno.EDQUOT}


class NoLocks(StoreError):  # noqa: N818 - a property of the file system
    """The file system of a store knows no locks."""


@dataclass
class _LockFile:
    """The open file of this process; closing any descriptor of it would end every lock that the process holds."""

    descriptor: int
    mine: set[str] = field(default_factory=set)


_files: dict[Path, _LockFile] = {}
_guard = threading.Lock()


class Locks:
    """The locks of one store.

    Args:
        root: the store's folder.
    """

    def __init__(self, root: Path) -> None:
        self.path = root.absolute() / LOCKS

    def claim(self, names: Collection[str]) -> bool:
        """Claims all of ``names``, or none where any process, this one included, holds one of them.

        Raises:
            NoLocks: the file system has none.
            OSError: the file cannot be made.
        """
        with _guard:
            file = self._open(os.O_RDWR | os.O_CREAT)
            taken: list[str] = []
            for name in names:
                if name in file.mine or not _try(file, name, fcntl.LOCK_EX):
                    self._free(file, taken)
                    return False
                file.mine.add(name)
                taken.append(name)
            return True

    def release(self, names: Iterable[str]) -> None:
        """Gives claimed names back."""
        with _guard:
            if file := _files.get(self.path):
                self._free(file, names)

    def held(self, names: Iterable[str]) -> set[str]:
        """Those of ``names`` that other processes hold, none where the file system has no locks; creates nothing."""
        with _guard:
            try:
                file = self._open(os.O_RDONLY)
            except (FileNotFoundError, NotADirectoryError):
                return set()
            try:
                return {name for name in set(names) - file.mine if not _is_free(file, name)}
            except NoLocks:
                return set()
            finally:
                self._free(file, ())

    @contextmanager
    def waited(self, name: str) -> Iterator[None]:
        """Holds ``name`` as long as it is open, after waiting for it."""
        while not self.claim([name]):
            time.sleep(0.05)
        try:
            yield
        finally:
            self.release([name])

    def _open(self, flags: int) -> _LockFile:
        if self.path not in _files:
            # without waiting: a pipe may stand there, and a link could lead out of the store
            descriptor = os.open(self.path, flags | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW, 0o666)
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.close(descriptor)
                raise StoreError(f"{self.path}: is not a regular file; delete it, critlab creates a new one")
            _files[self.path] = _LockFile(descriptor)
        return _files[self.path]

    def _free(self, file: _LockFile, names: Iterable[str]) -> None:
        for name in names:
            if name in file.mine:
                fcntl.lockf(file.descriptor, fcntl.LOCK_UN, 1, _byte(name))
                file.mine.remove(name)
        if not file.mine:
            os.close(file.descriptor)
            del _files[self.path]


def _byte(name: str) -> int:
    return int(sha256(name.encode()).hexdigest()[:15], 16)


def _try(file: _LockFile, name: str, kind: int) -> bool:
    try:
        fcntl.lockf(file.descriptor, kind | fcntl.LOCK_NB, 1, _byte(name))
    except OSError as error:
        if error.errno in BUSY:
            return False
        if error.errno in NO_LOCKS:
            raise NoLocks("the file system of the store has no locks") from None
        raise
    return True


def _is_free(file: _LockFile, name: str) -> bool:
    free = _try(file, name, fcntl.LOCK_SH)
    if free:
        fcntl.lockf(file.descriptor, fcntl.LOCK_UN, 1, _byte(name))
    return free


@contextmanager
def writing(root: Path, warn: Callable[[str], None]) -> Iterator[Locks | None]:
    """Makes the store ready for work as long as it is open.

    Args:
        root: the store's folder; made if it is missing.
        warn: is called with a sentence where the file system has no locks.

    Returns:
        The locks by which several processes share the work; None where there are none. Then only one process at a time
        gets in.

    Raises:
        StoreError: there are no locks, and another process is at work.
        StoreUnwritable: the folder cannot be made or written.
    """
    with _unwritable(root):
        make_folder(root)
    with ExitStack() as held:
        locks: Locks | None = Locks(root)
        try:
            with _unwritable(root):
                _try_out(root)
                with _locks_or_none():
                    held.enter_context(shared(root, warn))
        except NoLocks:
            warn(f"{root}: this file system has no locks: only one process at a time can use this store")
            held.enter_context(_alone(root))
            locks = None
        yield locks


@contextmanager
def _unwritable(root: Path) -> Iterator[None]:
    """Raises :class:`StoreUnwritable` where the system refuses the folder of a store."""
    try:
        yield
    except OSError as error:
        space = "free space on this disk or use another folder, then repeat the command"
        remedy = space if error.errno in FULL else "use a folder that you may write to"
        raise StoreUnwritable(f"{root}: the store cannot be written: {error.strerror}; {remedy}") from error


@contextmanager
def reading(root: Path, warn: Callable[[str], None]) -> Iterator[None]:
    """Keeps gc from freeing files of a store as long as it is open.

    Args:
        root: the store's folder, which may be read-only.
        warn: is called with a sentence where another process frees files; they are waited for.
    """
    with ExitStack() as held:
        # no lock can be had where a folder may only be read; nothing frees files there either
        with suppress(OSError):
            held.enter_context(shared(root, warn))
        yield


@contextmanager
def freeing(root: Path) -> Iterator[None]:
    """Holds a store alone as long as it is open, so that no process works in it while files are freed.

    Raises:
        StoreError: a process works in it.
        OSError: the folder cannot be written.
    """
    with ExitStack() as held:
        try:
            _try_out(root)
            with _locks_or_none():
                held.enter_context(exclusive(root))
        except NoLocks:
            held.enter_context(_alone(root))
        yield


def _try_out(root: Path) -> None:
    """Finds out whether the file system has locks.

    Raises:
        NoLocks: it has none.
    """
    locks = Locks(root)
    locks.claim(["a trial"])
    locks.release(["a trial"])


@contextmanager
def _locks_or_none() -> Iterator[None]:
    """Raises :class:`NoLocks` where the system says that a file system has none."""
    try:
        yield
    except OSError as error:
        if error.errno in NO_LOCKS:
            raise NoLocks("the file system of the store has no locks") from None
        raise


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    path = root / WRITER
    me = {"host": socket.gethostname(), "process": os.getpid(), "home": home()}
    while True:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
            break
        except FileExistsError:
            _refuse_or_clear(path)
    with os.fdopen(descriptor, "w") as file:
        json.dump(me, file)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _refuse_or_clear(path: Path) -> None:
    """Removes the mark of a process of this machine, start and container that is dead.

    Raises:
        StoreError: the other process may be alive.
    """
    try:
        other = json.loads(files.read(path, MOST_MARK_BYTES))
        host, process, where = str(other["host"]), int(other["process"]), other.get("home")
    except FileNotFoundError:
        return
    except (StoreDamaged, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        host, process, where = "an unknown host", 0, None
    if host == socket.gethostname() and where == home() and not alive(process):
        path.unlink(missing_ok=True)
        return
    raise StoreError(
        f"{path.parent}: this file system has no locks, and process {process} on {one_line(host)} is using this "
        f"store; wait for it. If it has ended, delete {path}"
    )
