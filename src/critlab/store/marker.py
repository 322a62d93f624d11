"""The marker of a store: the file by which a folder is known to be one; nothing is freed in a folder without it."""

from __future__ import annotations

from pathlib import Path

from critlab._core.errors import StoreDamaged, StoreError, StoreUnwritable
from critlab.store import record
from critlab.store.disk import atomic, files

MARKER = "critlab-store.json"
"""The file, directly in the store's folder."""

MOST_BYTES = 2**16

_BODY = {"what": "a store of critlab; critlab gc frees nothing in a folder without this file"}


def mark(root: Path) -> None:
    """Mark the folder as a store; write a damaged marker again.

    Raises:
        StoreNewer: a newer critlab has marked it.
        StoreUnwritable: the disk is full, or the folder may not be written.
    """
    try:
        check_marker(root / MARKER)
    except (FileNotFoundError, StoreDamaged):
        try:
            atomic.write(root / MARKER, record.encode("store", MARKER, _BODY))
        except OSError as error:
            raise StoreUnwritable(f"{root / MARKER}: cannot be written: {error.strerror or error}") from error


def require_marker(root: Path) -> None:
    """Refuse a folder that bears no marker of a store.

    Raises:
        StoreError: there is none, it is damaged, or a newer critlab wrote it.
    """
    try:
        check_marker(root / MARKER)
    except (FileNotFoundError, StoreDamaged) as error:
        why = "file not found" if isinstance(error, FileNotFoundError) else f"{error}"
        raise StoreError(
            f"{root / MARKER}: {why}; critlab gc frees nothing without this marker; "
            "run a study of this store to create it"
        ) from None


def check_marker(path: Path) -> None:
    """Check the marker of a store.

    Raises:
        FileNotFoundError: there is none.
        StoreDamaged: it fails its check.
        StoreNewer: a newer critlab wrote it.
        StoreError: the system cannot read it.
    """
    record.decode(files.read(path, MOST_BYTES), "store", MARKER)
