"""Seconds and memory of paper 4's kernels: the theory, the samplers, and a batch of chains against one by one.

    python benchmarks/kernels.py [--jobs theory theory-100 ...] [--out results/benchmarks]

Must hold: ``adapted_kernels`` at P = 12, N = 100, L = 1 under two seconds, at P = 100 under a minute. Every job runs in
a process of its own on one thread, so that its memory is its own, imports included. What was found goes into
``kernels.csv`` and ``kernels.json`` of the folder, whole or the jobs named.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

from machine import described

from critlab._core.threads import one_thread
from critlab.theory.kernels import adapted_kernels, kernel_fluctuations, sample_kernels, xor_task
from critlab.theory.kernels.model import checked_prior, checked_problem
from critlab.theory.kernels.sampling.hamiltonian import hamiltonian


class Job(NamedTuple):
    """One line: in words, what is called, how often, and the seconds asked for, where any are."""

    text: str
    call: Callable[[], object]
    repeats: int = 1
    limit: float | None = None


def theory(points: int, width: int, depth: int, **more: Any) -> None:
    inputs, targets = xor_task(points, seed=3)
    adapted_kernels(inputs, targets, depth=depth, width=width, **more)


def sampler(depth: int, **more: Any) -> None:
    inputs, targets = xor_task(12, seed=3)
    sample_kernels(inputs, targets, depth=depth, width=100, **more)


def fluctuations() -> None:
    inputs, targets = xor_task(12, seed=3)
    kernel_fluctuations(inputs, targets, depth=4, width=100, bias_scale=0.05)


@one_thread()
def chains(*groups: range) -> None:
    """Hamiltonian chains of 150 + 100 samples, one group after the other."""
    inputs, targets = xor_task(12, seed=3)
    problem = checked_problem(inputs, targets, checked_prior(1, 1.0, None, None, 0.5, "erf"), 100, 0.1)
    for group in groups:
        hamiltonian(problem, group, 100, 0, lambda kernels: None)


JOBS: dict[str, Job] = {
    "theory": Job("adapted_kernels, P = 12, N = 100, L = 1", partial(theory, 12, 100, 1), 3, 2),
    "theory-100": Job("adapted_kernels, P = 100, N = 200, L = 1", partial(theory, 100, 200, 1), 1, 60),
    "theory-2": Job("adapted_kernels, P = 12, N = 100, L = 2", partial(theory, 12, 100, 2), 2),
    "theory-4": Job("adapted_kernels, P = 12, N = 100, L = 4, 16000 draws", partial(theory, 12, 100, 4, draws=16000)),
    "hmc": Job("hmc, P = 12, N = 100, L = 1, 8 chains, 150 + 400", partial(sampler, 1), 2),
    "hmc-2": Job("hmc, P = 12, N = 100, L = 2, 8 chains, 150 + 200", partial(sampler, 2, samples=200)),
    "importance": Job("importance, P = 12, N = 100, L = 1, 80000 networks", partial(sampler, 1, method="importance")),
    "langevin": Job("langevin, P = 12, N = 100, L = 1, 8 chains, 24000 steps", partial(sampler, 1, method="langevin")),
    "fluctuations": Job("kernel_fluctuations, P = 12, N = 100, L = 4, 400 networks", fluctuations),
    "batch": Job("hmc, L = 1, 8 chains of 150 + 100 in one batch", partial(chains, range(8)), 3),
    "single": Job("hmc, L = 1, the same 8 chains one by one", partial(chains, *(range(i, i + 1) for i in range(8)))),
}


def measured(name: str) -> tuple[float, float]:
    """The best seconds of a job's repeats, and the most memory of this process in MiB."""
    job, best = JOBS[name], float("inf")
    for _ in range(job.repeats):
        start = time.perf_counter()
        job.call()
        best = min(best, time.perf_counter() - start)
    return best, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def written(found: Mapping[str, tuple[float, float]], about: Mapping[str, object], folder: Path) -> None:
    """The table, and the machine beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "kernels.csv").open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["name", "job", "repeats", "seconds", "process_mib", "asked_seconds"])
        for name, (seconds, memory) in found.items():
            job = JOBS[name]
            table.writerow([name, job.text, job.repeats, f"{seconds:.3f}", f"{memory:.0f}", job.limit or ""])
    (folder / "kernels.json").write_text(json.dumps(about, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", nargs="+", choices=JOBS, default=list(JOBS))
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks"))
    arguments = parser.parse_args()
    about = {**described(), "threads": 1}
    print("\n".join(f"{key}: {value}" for key, value in about.items()))
    print(f"\n{'job':<60}{'seconds':>9}{'MiB':>7}{'asked':>7}")
    found: dict[str, tuple[float, float]] = {}
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as pool:
        for name in arguments.jobs:
            found[name] = pool.submit(measured, name).result()
            print(
                f"{JOBS[name].text:<60}{found[name][0]:>9.2f}{found[name][1]:>7.0f}{JOBS[name].limit or '':>7}",
                flush=True,
            )
            written(found, about, arguments.out)


if __name__ == "__main__":
    main()
