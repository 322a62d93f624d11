"""A command as a user starts it, timed from its start to its end."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Done:
    """What a command wrote and took; ``peak_mb`` is of its largest process, not of all together."""

    out: str
    seconds: float
    processor_seconds: float
    peak_mb: float


def timed(arguments: list[str], statuses: Collection[int] = (0,)) -> Done:
    """Runs a command to its end.

    Raises:
        SystemExit: its exit status is none of ``statuses``.
    """
    with tempfile.TemporaryFile("w+") as out:
        began = time.perf_counter()
        process = subprocess.Popen(arguments, stdout=out)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in statuses:
            raise SystemExit(f"{' '.join(arguments)} ended with status {process.returncode}; its message is above")
        out.seek(0)
        return Done(out.read(), seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
