"""The machine that a benchmark ran on, and what it can do at best."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from critlab._core.threads import one_thread
from critlab.engine.planning.processors import abilities
from critlab.engine.records.provenance import provenance

SIZES = (512, 1024, 2048)
NOTEWORTHY = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")


def described() -> dict[str, object]:
    """Processor, cores, memory, versions, and how busy the machine is with other work."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        **provenance(),
        "instructions": [name for name in NOTEWORTHY if name in abilities()],
        "memory_gb": round(pages / 1e9, 1),
        "load": [round(value, 2) for value in os.getloadavg()],
        "system": platform.platform(),
    }


def best_seconds(job: Callable[[], object], repeats: int, clock: Callable[[], float] = time.perf_counter) -> float:
    """The shortest of ``repeats``, after one that does not count."""
    job()
    times = []
    for _ in range(repeats):
        began = clock()
        job()
        times.append(clock() - began)
    return min(times)


def matmul_peak(precision: str, sizes: tuple[int, ...] = SIZES) -> float:
    """FLOP/s of the fastest square matrix product on one thread, by processor time."""
    kind = {"float32": torch.float32, "bfloat16": torch.bfloat16}[precision]
    found = []
    with one_thread():
        for size in sizes:
            left, right = (torch.randn(size, size).to(kind) for _ in range(2))
            seconds = best_seconds(lambda a=left, b=right: a @ b, 5, time.process_time)  # type: ignore[misc]
            found.append(2 * size**3 / seconds)
    return max(found)


def training_flops(model: nn.Module, shape: tuple[int, ...]) -> int:
    """FLOP of products and convolutions of one image, forward and backward, as torch counts them."""
    with FlopCounterMode(display=False) as counter:
        model(torch.randn(2, *shape)).sum().backward()
    flops: int = counter.get_total_flops()
    return flops // 2
