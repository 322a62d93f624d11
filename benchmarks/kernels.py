"""Seconds and memory of paper 4's kernels: the theory, the samplers, and a batch of chains against one by one.

    python benchmarks/kernels.py

All lines come from one run on one machine. Must hold: ``adapted_kernels`` at P = 12, N = 100, L = 1 under two
seconds, at P = 100 under a minute.
"""

from __future__ import annotations

import platform
import resource
import time
from collections.abc import Callable
from typing import Any

import torch

from critlab.kernels import adapted_kernels, kernel_fluctuations, sample_kernels, xor_task
from critlab.kernels.hamiltonian import hamiltonian
from critlab.kernels.model import checked_prior, checked_problem
from critlab.threads import one_thread


def seconds(job: Callable[[], object], repeats: int = 3) -> float:
    """The best of ``repeats``."""
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        job()
        best = min(best, time.perf_counter() - start)
    return best


def machine() -> str:
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as lines:
            model = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{model}, python {platform.python_version()}, torch {torch.__version__}, one thread in every job"


def theory(points: int, width: int, depth: int, **more: Any) -> float:
    inputs, targets = xor_task(points, seed=3)
    return seconds(lambda: adapted_kernels(inputs, targets, depth=depth, width=width, **more))


def sampler(points: int, depth: int, repeats: int = 1, **more: Any) -> float:
    inputs, targets = xor_task(points, seed=3)
    return seconds(lambda: sample_kernels(inputs, targets, depth=depth, width=100, **more), repeats)


@one_thread()
def batch_against_single(chains: int = 8) -> tuple[float, float]:
    inputs, targets = xor_task(12, seed=3)
    problem = checked_problem(inputs, targets, checked_prior(1, 1.0, None, None, 0.5, "erf"), 100, 0.1)

    def single() -> None:
        for chain in range(chains):
            hamiltonian(problem, range(chain, chain + 1), 100, 0, lambda kernels: None)

    return seconds(lambda: hamiltonian(problem, range(chains), 100, 0, lambda kernels: None)), seconds(single)


def fluctuations() -> float:
    inputs, targets = xor_task(12, seed=3)
    return seconds(lambda: kernel_fluctuations(inputs, targets, depth=4, width=100, bias_scale=0.05))


def main() -> None:
    print(machine())
    lines = {
        "adapted_kernels, P = 12, N = 100, L = 1 (under 2)": theory(12, 100, 1),
        "adapted_kernels, P = 12, N = 100, L = 2": theory(12, 100, 2),
        "adapted_kernels, P = 12, N = 100, L = 4, 16000 draws": theory(12, 100, 4, draws=16000),
        "adapted_kernels, P = 100, N = 200, L = 1 (under 60)": theory(100, 200, 1),
        "adapted_kernels, P = 100, N = 200, L = 2": theory(100, 200, 2),
        "hmc, P = 12, N = 100, L = 1, 8 chains, 150 + 400": sampler(12, 1, 2),
        "hmc, P = 12, N = 100, L = 2, 8 chains, 150 + 200": sampler(12, 2, samples=200),
        "importance, P = 12, N = 100, L = 1, 80000 networks": sampler(12, 1, method="importance"),
        "langevin, P = 12, N = 100, L = 1, 8 chains, 24000 steps": sampler(12, 1, method="langevin"),
        "kernel_fluctuations, P = 12, N = 100, L = 4, 400 networks": fluctuations(),
    }
    for job, taken in lines.items():
        print(f"{job:60s} {taken:7.2f} s")
    batch, single = batch_against_single()
    print(
        f"{'hmc, 8 chains in one batch / one by one, L = 1':60s} {batch:7.2f} / {single:.2f} s: {single / batch:.1f} x"
    )
    print(f"{'largest memory of the process':60s} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:7.0f} MiB")


if __name__ == "__main__":
    main()
