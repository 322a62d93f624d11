"""Standard output belongs to what a command shows; what other code prints goes to standard error.

A user's function may print from Python, from C or from a child process. So while a command works, descriptor 1 is a
copy of descriptor 2, and the command alone knows where standard output went.
"""

from __future__ import annotations

import atexit
import errno
import io
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from critlab._core.terminal.text import printable

GONE = {errno.EPIPE, errno.EIO, errno.ESHUTDOWN}
"""What a system answers where the reader of a pipe or the window of a terminal is gone."""

OUT, ERR = 1, 2

_shown: list[TextIO] = []


class _Out(io.FileIO):
    """Standard output. Where its reader is gone, as after ``| head -1``, the rest is dropped without a word."""

    over = False

    def write(self, data: object) -> int:
        try:
            return super().write(data) or 0  # type: ignore[arg-type]
        except OSError as error:
            if error.errno not in GONE and not self.over:
                raise OSError(error.errno, error.strerror, "standard output") from None
            return memoryview(data).nbytes  # type: ignore[arg-type]


class _Err(io.FileIO):
    """Standard error. A message that cannot be written stops no work."""

    def write(self, data: object) -> int:
        try:
            return super().write(data) or 0  # type: ignore[arg-type]
        except OSError:
            return memoryview(data).nbytes  # type: ignore[arg-type]


class _Closed(io.TextIOBase):
    """Standard output that was closed before the command began."""

    def write(self, text: str) -> int:
        raise OSError(errno.EBADF, "is closed; leave it open or redirect it to /dev/null", "standard output")


@contextmanager
def command_streams() -> Iterator[None]:
    """Gives a command its streams, and the process its own ones back; closed descriptors are opened first.

    Where the caller has put another object in the place of ``sys.stdout``, that object is what is shown on.
    """
    _open_closed_ones()
    out, err = sys.stdout, sys.stderr
    real = out is None or (out is sys.__stdout__ and _descriptor(out) == OUT)
    if err is None or (err is sys.__stderr__ and _descriptor(err) == ERR):
        encoding = getattr(err, "encoding", None) or "utf-8"
        buffer = io.BufferedWriter(_Err(ERR, "w", closefd=False))
        sys.stderr = io.TextIOWrapper(buffer, encoding, "backslashreplace", line_buffering=True, write_through=True)
    if not real:
        _shown[:] = [out]
        try:
            yield
        finally:
            sys.stderr = err
            _shown.clear()
        return
    raw = _Out(os.dup(OUT), "w")
    if out is None:
        shown: TextIO = _Closed()  # type: ignore[assignment]
    else:
        out.flush()
        shown = io.TextIOWrapper(io.BufferedWriter(raw), out.encoding, "backslashreplace", line_buffering=out.isatty())
    _shown[:] = [shown]
    sys.stdout = shown
    os.dup2(ERR, OUT)
    try:
        yield
    finally:
        _shown.clear()
        os.dup2(raw.fileno(), OUT)
        sys.stdout, sys.stderr = out, err
        raw.over = True
        shown.close()
        raw.close()
        # what a user's module prints when the process ends comes after the document, and is no part of it
        atexit.register(_end_apart)


def _end_apart() -> None:
    if sys.stdout is not None:
        sys.stdout.flush()
    os.dup2(ERR, OUT)


@contextmanager
def apart() -> Iterator[None]:
    """Sends to standard error what is printed as long as it is open; only :func:`show` writes to standard output."""
    before = sys.stdout
    sys.stdout = sys.stderr
    try:
        yield
    finally:
        if sys.stdout is sys.stderr:
            sys.stdout = before


def show(text: str, end: str = "\n") -> None:
    """Writes ``text`` to the command's standard output, with control characters escaped.

    Raises:
        OSError: it was closed before the command began, or its disk is full.
    """
    print(printable(text), end=end, file=_shown[0] if _shown else sys.stdout)


def terminal_width() -> int | None:
    """The columns of the terminal that :func:`show` writes to; None for a file, or where ``NO_COLOR`` is set."""
    out = _shown[0] if _shown else sys.stdout
    if out is None or not out.isatty() or os.environ.get("NO_COLOR"):
        return None
    return max(shutil.get_terminal_size().columns, 40)


def show_coloured(text: str) -> None:
    """Writes ``text``, whose parts from elsewhere are printable already, with its colours; raises as :func:`show`."""
    print(text, file=_shown[0] if _shown else sys.stdout)


def flush() -> None:
    """Hands over what was shown; raises as :func:`show`."""
    if _shown:
        _shown[0].flush()


def show_bytes(content: bytes) -> None:
    """Writes ``content`` to the command's standard output as it is; raises as :func:`show`."""
    out = _shown[0] if _shown else sys.stdout
    binary = getattr(out, "buffer", None)
    if binary is None:
        out.write(content.decode())
    else:
        out.flush()
        binary.write(content)
        binary.flush()


def is_shown(descriptor: int) -> bool:
    """Whether ``descriptor`` is the standard output that a command left for :func:`show`."""
    return descriptor == OUT and bool(_shown)


def _descriptor(stream: TextIO | None) -> int | None:
    try:
        return stream.fileno() if stream is not None else None
    except (OSError, ValueError):
        return None


def _open_closed_ones() -> None:
    """Opens descriptors 0 to 2 where they were closed: the next file, such as a store's, would take their place."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
