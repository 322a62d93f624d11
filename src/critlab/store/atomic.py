"""Files that are either whole or not there."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

TEMPORARY = ".writing-"
"""How the name of an unfinished file begins; the writer's host and process follow."""


def write(path: Path, content: bytes) -> None:
    """Writes ``content`` to ``path`` so that no reader, and no power cut, ever sees half of it.

    A temporary file in the same folder is written, flushed to disk and renamed; then the folder is flushed.

    Raises:
        OSError: the folder cannot be written, or the disk is full; nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f"{_mine()}{os.getpid()}-{secrets.token_hex(8)}"
    # unlike the standard library's temporary files, which only their owner can read, so that a group can share a store
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _flush_folder(path.parent)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _mine() -> str:
    return f"{TEMPORARY}{socket.gethostname()}-"


def abandoned(root: Path) -> Iterator[Path]:
    """The unfinished files below ``root`` whose writer, a process of this host, is dead."""
    for path in root.rglob(f"{TEMPORARY}*"):
        process, _, _ = path.name.removeprefix(_mine()).partition("-")
        if path.name.startswith(_mine()) and process.isdigit() and not alive(int(process)):
            yield path


def alive(process: int) -> bool:
    """Whether a process of this host is alive; one that is dead and only waits for its parent is not."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(process)


def _is_zombie(process: int) -> bool:
    """Where the system tells, as Linux does: what a killed worker is until the first process takes notice of it."""
    try:
        told = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    # the command's name stands in brackets and may hold anything
    return told.rpartition(")")[2].split()[:1] == ["Z"]
