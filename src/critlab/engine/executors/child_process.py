"""Child processes that end with the process that started them, however it ends, and hear no signal meant for it."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from critlab._core.loading.search_path import python_command
from critlab._core.posix import SIGHUP

FOR_THE_PARENT = (signal.SIGINT, signal.SIGTERM, SIGHUP)
"""What reaches a whole process group, and what only the parent answers."""

PR_SET_PDEATHSIG = 1

GRACE = 5.0
"""Seconds that a child may take to end when it is no longer needed; a sound one takes none."""


def start_child(
    module: str,
    *arguments: int,
    environment: Mapping[str, str],
    pass_fds: Collection[int] = (),
    stdin: int = subprocess.DEVNULL,
    stdout: int | None = None,
) -> subprocess.Popen[bytes]:
    """Starts ``main(parent, *arguments)`` of ``module`` in a Python of its own.

    Raises:
        OSError: the system has no room for another process.
    """
    # until it has chosen to ignore them; a child that a signal ends while it starts would look like a broken one
    with _held_back(FOR_THE_PARENT):
        return subprocess.Popen(
            [*python_command(module), str(os.getpid()), *map(str, arguments)],
            pass_fds=tuple(pass_fds),
            stdin=stdin,
            stdout=stdout,
            env={**os.environ, **environment},
        )


def be_a_child(parent: int) -> None:
    """Called first by a child: it ignores what only its parent answers, and ends when its parent does.

    Where the system has it, as Linux does, the kernel ends it: also code that holds Python's lock and looks at nothing.

    Args:
        parent: the process number of the parent; 0 where no process waits for an answer.
    """
    for number in FOR_THE_PARENT:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FOR_THE_PARENT)
    if not parent:
        return
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # it may have died before the kernel watches it
    if os.getppid() != parent:
        os._exit(1)


def end_child(process: subprocess.Popen[Any], grace: float = GRACE) -> None:
    """Waits for a child that was let go; kills one that does not end: stopped, or stuck in code that never looks."""
    try:
        process.wait(grace)
    except subprocess.TimeoutExpired:
        process.kill()
        # one that waits for a broken disk cannot be killed, and is not waited for
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)


@contextmanager
def _held_back(numbers: Collection[signal.Signals]) -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
