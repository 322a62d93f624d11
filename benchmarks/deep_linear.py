"""How much faster whole sweeps are than a plain automatic-differentiation loop that trains run after run.

    python benchmarks/deep_linear.py [--threads 2] [--full] [--jobs phase pathways completion-50 completion-100 paper]

The plain loop is written here: parameters that require gradients, ``loss.backward()``, a step of plain gradient
descent, one run after the other, nothing recorded but what the figure needs. Its long jobs are timed on ``--sample``
steps of each run and scaled to all of them; ``--full`` times every step. All ratios come from one run on one machine.
``paper`` is the figure ``completion-depth`` for one seed at the paper's size, ours only. What was found goes into
``results/benchmarks/deep_linear.csv`` and ``.json``, whole or the jobs named.

Where numpy multiplies with OpenBLAS, ``OPENBLAS_CORETYPE`` in the environment chooses its kernels: unset, it takes
those of the processor.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from machine import described

from critlab.theory.linear import Gate, complete_matrix, pathway_flow, portable_instance, train_pathways
from critlab.theory.linear.hierarchy import balanced_layers, drawn_kappas, hierarchy, rotation

WINDOWS = ((0, 150), (400, 550), (750, 900))
PHASE_WINDOWS = ((0, 15), (100, 115))
PHASE_DEPTHS = (2, 5, 8, 13)
DRAWS = 100
LARGE = (0, 1000, 5000, 10000, 20000, 40000, 60000, 80000, 100000)


@dataclass
class Line:
    """One job: seconds here, seconds of the plain loop, and the ratio that is asked for; without it, the seconds."""

    job: str
    ours: float
    plain: float | None
    wanted: float

    @property
    def ratio(self) -> float | None:
        """How many times faster."""
        return None if self.plain is None else self.plain / self.ours


def seconds(job: Callable[[], object], repeats: int = 1) -> float:
    """The best of ``repeats``."""
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        job()
        best = min(best, time.perf_counter() - start)
    return best


def plain_phase(depth: int, start: torch.Tensor, window: tuple[int, int], steps: int) -> torch.Tensor:
    """One draw: (1 + (depth - 1)) numbers a pathway, tied as in the reduced network; loss (10 - K_a - K_b)^2 / 2."""
    p = [value.clone().requires_grad_() for value in start]
    for state in range(1, steps):
        q = [(value * value + 1).sqrt() for value in p]
        k = [value * other ** (depth - 1) for value, other in zip(p, q, strict=True)]
        residual = 10 - k[0] - k[1]
        # the reduced equation holds the other layers fixed while it asks for p's gradient
        loss = 0.5 * (10 - sum(v * o.detach() ** (depth - 1) for v, o in zip(p, q, strict=True))) ** 2
        loss.backward()
        with torch.no_grad():
            for pathway, value in enumerate(p):
                assert value.grad is not None
                if pathway == 0 or not window[0] <= state < window[1]:
                    value -= 0.001 * value.grad
                value.grad = None
    return residual.detach()


def plain_pathways(window: tuple[int, int], kappa: np.ndarray, steps: int) -> None:
    """Trains both pathways, depth 4 and width 100, reading the mode strengths before each update."""
    task = hierarchy()
    layers = balanced_layers(task, 4, kappa, rotation(100, 0))
    weights = [[torch.tensor(layer, requires_grad=True) for layer in layers] for _ in range(2)]
    labels, left, right = (torch.tensor(value) for value in (task.labels, task.left, task.right))
    strengths = []
    for step in range(steps):
        products = [w[3] @ w[2] @ w[1] @ w[0] for w in weights]
        strengths.append([torch.diagonal(left.T @ product.detach() @ right) for product in products])
        (0.5 * ((products[0] + products[1] - labels) ** 2).sum()).backward()
        with torch.no_grad():
            for pathway, matrices in enumerate(weights):
                for matrix in matrices:
                    assert matrix.grad is not None
                    if pathway == 0 or not window[0] <= step < window[1]:
                        matrix -= 0.01 * matrix.grad
                    matrix.grad = None


def plain_completion(size: int, ranks: tuple[int, int], observed: int, depth: int, steps: int) -> None:
    """``steps`` updates of matrix completion in float32."""
    instance = portable_instance(size, ranks, observed, depth, 1e-3, 1)
    layers = [torch.tensor(layer, dtype=torch.float32, requires_grad=True) for layer in instance.layers]
    target = torch.tensor(instance.targets[0], dtype=torch.float32)
    rows, columns = torch.tensor(instance.rows), torch.tensor(instance.columns)
    for _ in range(steps):
        product = layers[0]
        for layer in layers[1:]:
            product = product @ layer
        (0.5 * ((product - target)[rows, columns] ** 2).mean()).backward()
        with torch.no_grad():
            for layer in layers:
                assert layer.grad is not None
                layer -= 0.2 * layer.grad
                layer.grad = None


def phase(sample: int) -> Line:
    starts = 0.01 * torch.randn(2, DRAWS, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    gates = [[Gate("b", *window)] for window in PHASE_WINDOWS for _ in range(DRAWS)]
    a, b = (start.repeat(2)[:, None] for start in starts)

    def figure() -> None:
        for depth in PHASE_DEPTHS:
            pathway_flow([10.0], depth, start_a=a, start_b=b, invariant=1.0, step=0.001, gates=gates)

    runs = DRAWS * len(PHASE_WINDOWS)
    few = max(1, min(DRAWS, sample // 1000))

    def plain() -> None:
        for depth in PHASE_DEPTHS:
            for draw in range(few):
                plain_phase(depth, starts[:, draw], (0, 15), 1000)

    return Line("phase figure, 800 trajectories", seconds(figure, 3), seconds(plain) * runs / few, 40)


def pathways() -> Line:
    kappa = drawn_kappas(0.01, 100, 0)
    ours = seconds(lambda: [train_pathways(4, kappa=kappa, gates=[Gate("b", *w)]) for w in WINDOWS], 3)
    plain = seconds(lambda: [plain_pathways(window, kappa, 1000) for window in WINDOWS])
    return Line("window figure, 3 runs one by one", ours, plain, 8)


def completion(
    size: int,
    ranks: tuple[int, int],
    observed: int,
    depths: Sequence[int],
    removals: Sequence[int],
    recovery: int,
    sample: int,
    wanted: float,
) -> Line:
    ours = seconds(
        lambda: complete_matrix(
            size, ranks=ranks, observed=observed, depths=depths, removals=removals, recovery=recovery
        )
    )
    updates = sum(removals) + recovery * len(removals)
    few = min(sample, updates)
    plain = sum(seconds(lambda d=d: plain_completion(size, ranks, observed, d, few)) for d in depths) * updates / few
    named = f"n = {size}, {len(removals)} removals, depths {', '.join(map(str, depths))}"
    return Line(f"completion {named}", ours, plain, wanted)


def paper() -> Line:
    def figure() -> None:
        complete_matrix(100, removals=LARGE, depths=(1, 2, 3))

    return Line("completion-depth of the paper, one seed", seconds(figure), None, 1800)


def memory() -> float:
    """Largest memory of this process or of one that it started, in GB: what ours need beside the plain loop's."""
    return max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 2**20


def written(lines: Mapping[str, Line], about: Mapping[str, object], folder: Path) -> None:
    """The table, and the machine beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "deep_linear.csv").open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["name", "job", "ours_seconds", "plain_seconds", "ratio", "asked"])
        for name, line in lines.items():
            table.writerow([name, line.job, line.ours, line.plain, line.ratio, line.wanted])
    (folder / "deep_linear.json").write_text(json.dumps(about, indent=1) + "\n")


def main() -> None:
    small, large = (0, 1000, 5000, 10000, 20000), LARGE
    jobs: dict[str, Callable[[int], Line]] = {
        "phase": phase,
        "pathways": lambda sample: pathways(),
        "completion-50": lambda sample: completion(50, (5, 3), 600, (1, 2, 3), small, 10000, sample, 15),
        "completion-100": lambda sample: completion(100, (10, 5), 2000, (3,), large, 30000, sample, 6),
        "paper": lambda sample: paper(),
    }
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--sample", type=int, default=3000, help="steps of the plain loop that are timed for each job")
    parser.add_argument("--full", action="store_true", help="time every step of the plain loop")
    parser.add_argument("--jobs", nargs="+", choices=jobs, default=list(jobs))
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks"))
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    kernels = os.environ.get("OPENBLAS_CORETYPE", "those of the processor")
    about = {**described(), "numpy": np.__version__, "kernels": kernels, "plain_threads": arguments.threads}
    print("\n".join(f"{key}: {value}" for key, value in about.items()))
    print(f"\n{'job':<48}{'ours (s)':>10}{'plain (s)':>11}{'ratio':>8}{'asked':>8}")
    lines: dict[str, Line] = {}
    for name in arguments.jobs:
        line = lines[name] = jobs[name](10**9 if arguments.full else arguments.sample)
        plain, ratio = ("", "") if line.plain is None else (f"{line.plain:.1f}", f"{line.plain / line.ours:.1f}")
        print(f"{line.job:<48}{line.ours:>10.3f}{plain:>11}{ratio:>8}{line.wanted:>8.0f}", flush=True)
    print(f"\nlargest memory of a process {memory():.2f} GB")
    written(lines, {**about, "largest_process_gb": round(memory(), 3)}, arguments.out)


if __name__ == "__main__":
    main()
