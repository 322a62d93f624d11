"""How many workers this machine takes, and what its processor can do."""

from __future__ import annotations

import os
from functools import cache


def default_workers(device: str = "cpu") -> int:
    """One worker per core that this process may use; one for a GPU."""
    if device == "cuda":
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def abilities() -> tuple[str, ...]:
    """The instruction sets that the processor names, sorted; none where the system does not tell.

    Two machines whose processors share a name may differ in them, and with them in which precision is faster.
    """
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                name, _, value = line.partition(":")
                if name.strip() in ("flags", "Features"):
                    return tuple(sorted(value.split()))
    except OSError:
        pass
    return ()
