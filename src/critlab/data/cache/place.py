"""Where arrays are kept that critlab has made of a user's files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from critlab._core.errors import DataError
from critlab._core.terminal.text import say


def cache_folder() -> Path:
    """``$CRITLAB_CACHE``, else ``arrays`` in the user's cache folder; it need not exist.

    Everything in it can be deleted: it is made again from the user's files.
    """
    named = os.environ.get("CRITLAB_CACHE")
    if named:
        return Path(named).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("critlab", appauthor=False)) / "arrays"


@contextmanager
def alone(place: Path) -> Iterator[None]:
    """Inside, no other process fills ``place``; the lock ends with its process, however that ends.

    Raises:
        DataError: the cache cannot be written.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(place.with_suffix(".lock"))
    with writable(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0.5)
        except Timeout:
            say(f"another process reads the same data into {place}; waiting for it")
            lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def writable(place: Path) -> Iterator[None]:
    """Turns what the file system says against writing ``place`` into a DataError that says what to do."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{place}: the cache cannot be written ({error.strerror or error}); what is there is kept. Set "
            "CRITLAB_CACHE to a folder with room that can be written"
        ) from error
