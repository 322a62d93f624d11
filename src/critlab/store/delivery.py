"""Files that a person named: pages, tables, figures. Regular files are replaced whole, others are written into."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path

from critlab._core.errors import StudyError
from critlab._core.terminal.streams import is_shown, show_bytes
from critlab.store.disk import atomic

MOST_LINKS = 40

OPEN = r"/dev/(stdin|stdout|stderr)|/(?:dev|proc/self|proc/thread-self|proc/{})/fd/(\d+)"
"""The paths of open descriptors of the process of that number."""

DESCRIPTORS = {"stdin": 0, "stdout": 1, "stderr": 2}


def deliver(path: Path, content: bytes) -> None:
    """Writes ``content`` to ``path``, making its folder.

    A regular file is replaced in one step, so that a reader never sees half of it, and keeps its permissions; through
    a link, the file that it points to. A pipe, a device or an open descriptor, such as ``/dev/stdout``, is written
    into and stays what it is.

    Raises:
        StudyError: it cannot be written; the text says why.
    """
    try:
        descriptor = _descriptor(path)
        if descriptor is not None:
            _into_descriptor(descriptor, content)
        elif is_special(path):
            _into(path, content)
        else:
            _replace(Path(os.path.realpath(path)), content)
    except OSError as error:
        raise StudyError(f"{path}: cannot be written: {error.strerror or error}") from None


def refuse(path: Path) -> str:
    """Why ``path`` cannot be written, as far as can be known before there is anything to write; else empty."""
    if path.is_dir():
        return "which is a folder; must be a file"
    if stands := next((place for place in path.parents if place.exists() and not place.is_dir()), None):
        return f"but {stands} is not a folder; must be in a folder"
    if _descriptor(path) is not None:
        return ""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"which cannot be used: {error.strerror}"
    if stat.S_ISBLK(mode):
        return "which is a disk; must be a file or a pipe"
    return "" if os.access(path, os.W_OK) else "which is read-only; must be a writable file"


def check_page(path: Path) -> None:
    """Refuses a page whose name says that it is a file of another kind.

    Raises:
        StudyError: it has an ending other than .html and .htm.
    """
    ending = path.suffix.lower()
    if ending in ("", ".html", ".htm") or is_special(path):
        return
    other = {
        ".pdf": "; for a PDF, print the page from a browser",
        ".svg": "; --figures DIR writes the charts as SVG",
        ".png": "; --figures DIR writes the charts as PNG",
    }
    raise StudyError(f"--out: received {path}; a page must end in .html or .htm{other.get(ending, '')}")


def check_table(path: Path, formats: Sequence[str]) -> None:
    """Refuses a table whose name says that it is a file of another kind than those that are written.

    Args:
        path: where it shall be written.
        formats: what is written, which are also the endings.

    Raises:
        StudyError: it has another ending.
    """
    if path.suffix.lower().removeprefix(".") in ("", *formats) or is_special(path):
        return
    *first, last = (f".{one}" for one in formats)
    raise StudyError(
        f"--out: received {path}; must end in {', '.join(first)} or {last}, or give --format; spreadsheets read .csv"
    )


def is_special(path: Path) -> bool:
    """Whether ``path`` is there and neither a regular file nor a folder, seen through links."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def is_standard_output(path: Path) -> bool:
    """Whether ``path`` is the standard output of this process, such as ``/dev/stdout``."""
    return _descriptor(path) == DESCRIPTORS["stdout"]


def _descriptor(path: Path) -> int | None:
    """The number of the open descriptor of this process that ``path`` stands for, followed link by link."""
    place = os.path.abspath(path)
    for _ in range(MOST_LINKS):
        if found := re.fullmatch(OPEN.format(os.getpid()), place):
            name, number = found.groups()
            return DESCRIPTORS[name] if name else int(number)
        try:
            link = os.readlink(place)
        except OSError:
            return None
        place = os.path.normpath(os.path.join(os.path.dirname(place), link))
    return None


def _into_descriptor(descriptor: int, content: bytes) -> None:
    if is_shown(descriptor):
        show_bytes(content)
        return
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(content)


def _into(path: Path, content: bytes) -> None:
    if stat.S_ISBLK(os.stat(path).st_mode):
        raise StudyError(f"{path}: is a disk; must be a file or a pipe")
    # neither made nor cut off: what is there is no regular file
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_NOCTTY | os.O_CLOEXEC), "wb") as file:
        file.write(content)


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        mode: int | None = stat.S_IMODE(os.stat(path).st_mode)
    except FileNotFoundError:
        mode = None
    if mode is not None and not os.access(path, os.W_OK):
        raise PermissionError(13, "Permission denied", str(path))
    try:
        atomic.write(path, content)
    except OSError:
        if mode is None:
            raise
        # its folder takes no new file, or it is a mount of its own, as a single file of a container is
        with open(path, "r+b") as file:
            file.write(content)
            file.truncate()
        return
    if mode is not None:
        os.chmod(path, mode)
