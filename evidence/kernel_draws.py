"""What the theory's alignments are worth: their scatter over few draws, and their limit for many.

    python evidence/kernel_draws.py          writes evidence/kernel_draws.csv

XOR, seed 3, as in the protocol. Three ways: the package with 4000 draws, which with their mirror images are the
protocol's 8000 (16 seeds); the package as it is called by default, 32 batches of 8000 (4 seeds); and, for one hidden
layer, a solver that shares no line with the package, 400000 draws in one set (3 seeds).
"""

from __future__ import annotations

import csv
import platform
from pathlib import Path

import numpy as np
import torch
from scipy.special import erf

from critlab.theory.kernels import adapted_kernels, alignment, xor_task

OUT = Path(__file__).with_suffix(".csv")
ROWS = (
    (12, 100, 1, 0.1), (12, 50, 1, 0.1), (12, 200, 1, 0.1), (12, 100, 1, 0.01), (24, 100, 1, 0.1), (40, 50, 1, 0.1),
    (12, 100, 2, 0.1), (24, 100, 2, 0.1),
)  # fmt: skip
SIZES = {"package, 4000 draws": (4000, 1, 16), "package, 32 x 8000 draws": (8000, 32, 4)}
ALONE, ALONE_SEEDS = 400_000, 3


def by_package(points: int, width: int, depth: int, noise: float, mode: str, size: tuple[int, int, int]) -> list[float]:
    draws, batches, seeds = size
    inputs, targets = xor_task(points, seed=3)
    gram = torch.outer(targets, targets)
    model = {"depth": depth, "width": width, "noise": noise, "mode": mode, "draws": draws, "batches": batches}
    return [alignment(adapted_kernels(inputs, targets, seed=s, **model).kernels[-1], gram) for s in range(seeds)]


def alone(points: int, width: int, noise: float, mode: str, seed: int) -> float:
    """One hidden layer of erf units, g = 1, g_b = 0.5, in NumPy."""
    inputs, targets = (values.numpy() for values in xor_task(points, seed=3))
    kernel = inputs @ inputs.T / inputs.shape[1] + 0.5
    values, vectors = np.linalg.eigh(kernel)
    normal = np.random.default_rng(2000 + seed).standard_normal((ALONE, points))
    normal = np.linalg.solve(np.linalg.cholesky(normal.T @ normal / ALONE), normal.T).T
    phi = erf(normal @ (vectors * np.sqrt(values.clip(0))) @ vectors.T)
    scale = 1 + 2 * np.diag(kernel)
    wide = 2 / np.pi * np.arcsin(2 * kernel / np.sqrt(np.outer(scale, scale))) + 0.5
    found = wide
    for size in (2 * width, width):
        for _ in range(200):
            inverse = np.linalg.inv(found + noise * np.eye(points))
            solved = inverse @ targets
            exponent = (phi @ (np.outer(solved, solved) - inverse) / 2 * phi).sum(1) / size
            excess = (exponent - exponent.mean()) / ALONE
            if mode == "tilted":
                weight = np.exp(exponent - exponent.max())
                excess = weight / weight.sum() - 1 / ALONE
            change = wide + phi.T @ (excess[:, None] * phi) - found
            found = found + change / 2
            if abs(change).max() < 1e-6 * abs(found).max():
                break
    return alignment(found, np.outer(targets, targets))


def main() -> None:
    torch.set_num_threads(1)
    machine = f"{platform.machine()}, {platform.system()}, torch {torch.__version__}, one thread"
    with OUT.open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("P", "N", "L", "noise", "mode", "solver", "seeds", "mean", "deviation", "machine"))
        for points, width, depth, noise in ROWS:
            for mode in ("leading", "tilted"):
                ways = {name: by_package(points, width, depth, noise, mode, size) for name, size in SIZES.items()}
                if depth == 1:
                    seeds = range(ALONE_SEEDS)
                    ways["independent, 400000 draws"] = [alone(points, width, noise, mode, seed) for seed in seeds]
                for name, found in ways.items():
                    spread = f"{np.mean(found):.5f}", f"{np.std(found, ddof=1):.5f}"
                    table.writerow((points, width, depth, noise, mode, name, len(found), *spread, machine))
                file.flush()


if __name__ == "__main__":
    main()
