"""Who writes: processes named so that another machine, container or start of the system is never taken for this one."""

from __future__ import annotations

import os
import socket
import uuid
from functools import cache
from hashlib import sha256
from pathlib import Path


@cache
def home() -> str:
    """Where this process's number means something: this start of this machine, and its namespace of processes.

    Containers that share a host name, or even a kernel, have homes that differ (16 hexadecimal characters).
    """
    places = ("/proc/sys/kernel/random/boot_id", "/etc/machine-id")
    known = [_text(Path(place)) for place in places]
    if not known[0]:  # a system that is not Linux
        known.append(f"{uuid.getnode()}")
    try:
        about = os.stat("/proc/self/ns/pid")
        known.append(f"{about.st_dev}:{about.st_ino}")
    except OSError:
        pass
    return sha256("\n".join([socket.gethostname(), *known]).encode()).hexdigest()[:16]


def alive(process: int) -> bool:
    """Whether a process of this home is alive; one that is dead and only waits for its parent is not."""
    if not 0 < process < 2**31:
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(process)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _is_zombie(process: int) -> bool:
    """Where the system says so, as Linux does: what a killed worker is until the first process takes notice of it."""
    # the command's name stands in brackets and may hold anything
    return _text(Path(f"/proc/{process}/stat")).rpartition(")")[2].split()[:1] == ["Z"]
