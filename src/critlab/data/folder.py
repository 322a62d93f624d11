"""Where data sets lie on this computer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from critlab._core.errors import DataError

MOST_BYTES = 400_000_000
"""Of a file or of a whole archive, unpacked; the largest official one has 187 million."""


def data_folder(folder: Path | None = None) -> Path:
    """``folder``, else ``$CRITLAB_DATA``, else the user's cache folder; it need not exist."""
    if folder is not None:
        return Path(folder).expanduser()
    named = os.environ.get("CRITLAB_DATA")
    if named:
        return Path(named).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("critlab", appauthor=False)) / "data"


def places(folder: Path, *names: str) -> Iterator[Path]:
    """The folders in which a data set may lie: ``folder`` itself, then those of ``names`` in it that exist.

    Args:
        folder: the folder of all data sets, or of this one.
        names: sub-folders, each as ``"name"`` or ``"name/below"``.
    """
    yield folder
    for name in names:
        place = folder / name
        if place.is_dir():
            yield place


def bytes_of(path: Path) -> bytes:
    """The bytes of a regular file of at most :data:`MOST_BYTES`.

    Raises:
        DataError: it is something else, such as a pipe, or larger.
        OSError: it cannot be read.
    """
    if path.exists() and not path.is_file():
        raise DataError(f"{path} is not a file; download it again")
    if path.stat().st_size > MOST_BYTES:
        raise DataError(
            f"{path} has more than {MOST_BYTES // 10**6} MB, more than any official file; download it again"
        )
    return path.read_bytes()
