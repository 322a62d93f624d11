"""How many workers this machine takes, and what its processor can do."""

from __future__ import annotations

import os
from functools import cache

WORKER_BYTES = 4 * 2**30
"""Memory of a GPU that a worker is given room for: its data, its network, a batch's maps and torch itself. A rule, not
a measurement; ``--workers`` says otherwise."""


def default_workers(device: str = "cpu") -> int:
    """One worker per core that this process may use; with a GPU as many of them as its memory has room for."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if device != "cuda":
        return cores
    import torch

    return side_by_side(torch.cuda.get_device_properties(0).total_memory, cores)


def side_by_side(memory: int, cores: int) -> int:
    """How many workers share a GPU of so many bytes: each has a core, which makes its batches, and at least one works.

    They are processes and not streams of one: a run that breaks breaks no other, nothing of the engine is different on
    a GPU, and batches are made in Python, of which a process runs one at a time. Kernels of several processes run at
    the same time where NVIDIA's multi-process service is started, and otherwise in turns.
    """
    return max(1, min(cores, memory // WORKER_BYTES))


@cache
def abilities() -> tuple[str, ...]:
    """The instruction sets that the processor names, sorted; none where the system does not report them.

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
