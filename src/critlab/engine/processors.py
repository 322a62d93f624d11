"""How many workers this machine takes."""

from __future__ import annotations

import os


def default_workers(device: str = "cpu") -> int:
    """One worker per core that this process may use; one for a GPU."""
    if device == "cuda":
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
