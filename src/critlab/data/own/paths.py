"""Where a user's files lie, and what is missing when one is not there."""

from __future__ import annotations

from pathlib import Path

from critlab._core.errors import DataError


def found_path(folder: Path, path: str) -> Path:
    """The file or folder at ``path``; a relative one lies in the folder of all data, else in the working folder.

    Raises:
        DataError: there is none.
    """
    asked = Path(path).expanduser()
    if (inside := folder / asked).exists():  # an absolute path stays what it is
        return inside
    if asked.exists():
        return asked
    places = f"{asked}" if asked.is_absolute() else f"{asked} in {folder} or in {Path.cwd()}"
    raise DataError(f"{places}: not found; give the path of your files, absolute or in the folder of all data")
