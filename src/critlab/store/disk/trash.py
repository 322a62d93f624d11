"""The trash of a store: what was freed lies there, in the folders that it was in, until it is emptied."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Collection, Iterator
from pathlib import Path

TRASH = "trash"
"""The folder, directly in the store's; each use of gc makes one folder in it, named by date and time (UTC)."""

_BATCH = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ(-\d+)?")


def discard(root: Path, files: Collection[Path]) -> Path | None:
    """Moves files of a store into a new folder of its trash, in the given order; those that have gone are left out.

    Args:
        root: the store's folder.
        files: below ``root``.

    Returns:
        The new folder; None where there are no files.

    Raises:
        OSError: a file cannot be moved; those before it have been.
    """
    if not files:
        return None
    batch, made = _new_batch(root), set[Path]()
    for path in files:
        target = batch / path.relative_to(root)
        if target.parent not in made:
            target.parent.mkdir(parents=True, exist_ok=True)
            made.add(target.parent)
        try:
            os.replace(path, target)
        except FileNotFoundError:
            continue
    return batch


def batches(root: Path) -> list[Path]:
    """The folders that :func:`discard` made, the oldest first; a link is none of them."""
    folder = root / TRASH
    if folder.is_symlink() or not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if _BATCH.fullmatch(path.name) and not path.is_symlink())


def discarded(root: Path) -> Iterator[tuple[Path, int]]:
    """Every file in the trash, with its bytes."""
    for batch in batches(root):
        for path in batch.rglob("*"):
            if not path.is_dir() or path.is_symlink():
                yield path, path.lstat().st_size


def empty(root: Path) -> None:
    """Deletes what lies in the trash, and the trash where nothing else lies there.

    Raises:
        OSError: a file cannot be deleted.
    """
    for batch in batches(root):
        shutil.rmtree(batch)
    folder = root / TRASH
    if folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir()):
        folder.rmdir()


def _new_batch(root: Path) -> Path:
    stamp, number = time.strftime("%Y-%m-%dT%H-%M-%SZ", time.gmtime()), 0
    while True:
        batch = root / TRASH / (f"{stamp}-{number}" if number else stamp)
        try:
            batch.mkdir(parents=True)
        except FileExistsError:
            number += 1
        else:
            return batch
