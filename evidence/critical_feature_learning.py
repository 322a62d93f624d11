"""The protocol's rows again, with more samples than the tests have time for.

    python evidence/critical_feature_learning.py          writes evidence/critical_feature_learning.csv

Every row is alignment (CKA) of the output kernel with the targets: infinite width, the theory in both modes, and
sampled with its standard error, beside the numbers that the protocol found with independent code. About 15 minutes
on one core.
"""

from __future__ import annotations

import csv
import platform
import time
import warnings
from pathlib import Path
from typing import Any

import torch

from critlab._core.errors import Diverged
from critlab.theory.kernels import adapted_kernels, alignment, image_task, prior_kernels, sample_kernels, xor_task

OUT = Path(__file__).with_suffix(".csv")
FINE = (1600, 1130, 800, 566, 400, 283, 200, 166, 141, 120, 110, 100)
COLUMNS = (
    "task", "P", "N", "L", "g", "bias", "noise", "draws", "sampler", "infinite_width", "leading", "tilted",
    "tilted_trusted", "sampled", "standard_error", "rhat", "effective_samples", "protocol_infinite_width",
    "protocol_leading", "protocol_tilted", "protocol_sampled", "seconds", "machine",
)  # fmt: skip

XOR = {"bias_scale": 0.5, "noise": 0.1, "weight_scale": 1.0}
DEEP = {**XOR, "bias_scale": 0.05}
# task, P, N, L, model, sampler, samples, protocol: infinite width, leading, tilted, sampled (standard error)
ROWS: list[tuple[str, int, int, int, dict[str, float], str, int, tuple[str, str, str, str]]] = [
    ("xor", 12, 100, 1, XOR, "hmc", 500, ("0.0724", "0.0866", "0.0892", "0.0898 (4)")),
    ("xor", 12, 100, 1, XOR, "importance", 400, ("0.0724", "0.0866", "0.0892", "0.0890 (4)")),
    ("xor", 12, 50, 1, XOR, "hmc", 500, ("0.0724", "0.0960", "0.1025", "0.1033 (3)")),
    ("xor", 12, 200, 1, XOR, "hmc", 500, ("0.0724", "0.0804", "0.0814", "0.0813 (2)")),
    ("xor", 12, 100, 1, {**XOR, "noise": 0.01}, "hmc", 500, ("0.0724", "0.0943", "0.1001", "0.1013 (2)")),
    ("xor", 24, 100, 1, XOR, "hmc", 500, ("0.0604", "0.0774", "0.0824", "0.0846 (2)")),
    ("xor", 40, 50, 1, XOR, "hmc", 500, ("0.0509", "0.0826", "0.0972", "0.1001 (2)")),
    ("xor", 12, 100, 2, XOR, "hmc", 600, ("0.1071", "0.1370", "0.1445", "0.1446 (10)")),
    ("xor", 12, 100, 2, XOR, "importance", 200, ("0.1071", "0.1370", "0.1445", "0.1432 (13)")),
    ("xor", 24, 100, 2, XOR, "hmc", 400, ("0.0933", "0.1288", "0.1424", "0.1459 (7)")),
    ("images", 20, 100, 1, DEEP, "hmc", 500, ("0.4034", "0.4321", "0.4365", "0.4377 (12)")),
    ("images", 20, 100, 2, DEEP, "hmc", 400, ("0.4024", "0.4666", "0.4808", "0.4860 (26)")),
    ("xor", 12, 100, 1, XOR, "langevin", 400, ("0.0724", "0.0866", "0.0892", "0.0900 (6)")),
    ("xor", 12, 100, 4, {**DEEP, "weight_scale": 0.5}, "hmc", 200, ("", "", "0.0592", "0.0589 (7)")),
    ("xor", 12, 100, 4, DEEP, "hmc", 200, ("", "", "0.116..0.119", "0.1138 (8)")),
    ("xor", 12, 100, 4, {**DEEP, "weight_scale": 1.4}, "hmc", 200, ("", "", "0.120", "0.1181 (10)")),
    ("xor", 12, 100, 4, {**DEEP, "weight_scale": 2.5}, "hmc", 200, ("", "", "0.119", "0.1184 (13)")),
    ("xor", 12, 100, 6, DEEP, "hmc", 150, ("", "", "0.182..0.191", "0.1798 (28)")),
    ("xor", 12, 100, 8, DEEP, "hmc", 150, ("0.1035", "0.187", "0.270..0.289", "0.264 (4)")),
]


def row(case: tuple[Any, ...]) -> dict[str, Any]:
    task, points, width, depth, model, method, samples, protocol = case
    start = time.perf_counter()
    inputs, targets = xor_task(points, seed=3) if task == "xor" else image_task(points)
    gram = torch.outer(targets, targets)
    prior = {name: value for name, value in model.items() if name != "noise"}
    # the mean over batches of draws matters where it is compared to the last digit; deep, one set takes minutes
    deep: dict[str, Any] = {"draws": 16000, "batches": 1, "tolerance": 1e-4} if depth >= 4 else {}
    if depth >= 6:
        deep |= {"widths": FINE, "damping": 0.15}
    found: dict[str, Any] = {"leading": "", "tilted": "", "tilted_trusted": False}
    for mode in ("leading", "tilted"):
        try:
            solved = adapted_kernels(inputs, targets, depth=depth, width=width, mode=mode, **model, **deep)
        except Diverged:
            continue
        found[mode] = f"{alignment(solved.kernels[-1], gram):.4f}"
        found["tilted_trusted"] = solved.trusted
    drawn = sample_kernels(inputs, targets, depth=depth, width=width, method=method, samples=samples, seed=1, **model)
    names = ("protocol_infinite_width", "protocol_leading", "protocol_tilted", "protocol_sampled")
    facts = {"g": model["weight_scale"], "bias": model["bias_scale"], "noise": model["noise"], "sampler": method}
    return {
        "task": task, "P": points, "N": width, "L": depth, **facts,
        "draws": "1 x 16000" if depth >= 4 else "64 x 8000",
        "infinite_width": f"{alignment(prior_kernels(inputs, depth=depth, **prior)[-1], gram):.4f}", **found,
        "sampled": f"{drawn.alignment:.4f}", "standard_error": f"{drawn.alignment_error:.4f}",
        "rhat": f"{drawn.rhat:.3f}", "effective_samples": round(drawn.effective_samples),
        **dict(zip(names, protocol, strict=True)), "seconds": round(time.perf_counter() - start, 1),
        "machine": f"{platform.machine()}, {platform.system()}, torch {torch.__version__}, one thread",
    }  # fmt: skip


def main() -> None:
    warnings.simplefilter("always")
    with OUT.open("w", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        for case in ROWS:
            table.writerow(row(case))
            file.flush()


if __name__ == "__main__":
    main()
