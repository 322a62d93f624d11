"""The paper's size of matrix completion, too slow for the test suite: n = 100, removals to 100,000, depths 1 to 3.

    python evidence/deep_linear.py [--seeds 1]

Prints median errors over portable instances beside those of the authors' instance, and the seconds and memory that it
took; one row a run goes to ``evidence/deep_linear.csv``.
"""

from __future__ import annotations

import argparse
import csv
import resource
import statistics
import time
from pathlib import Path

from critlab.theory.linear import complete_matrix

OUT = Path(__file__).with_suffix(".csv")
REMOVALS = (0, 1000, 5000, 10000, 20000, 40000, 60000, 80000, 100000)
REFERENCE = {
    1: (0.7955, 0.7955, 0.7955, 0.7956, 0.7958, 0.7959, 0.7959, 0.7959, 0.7959),
    2: (0.0530, 0.0652, 0.2541, 0.4429, 0.5155, 0.5345, 0.5377, 0.5387, 0.5390),
    3: (0.0001, 0.0001, 0.0005, 0.0024, 0.7218, 1.076, 1.124, 1.031, 1.020),
}
"""Of the authors' seed-1 instance, for comparison of the shape; instances scatter."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=1)
    seeds = range(1, parser.parse_args().seeds + 1)
    start = time.perf_counter()
    with OUT.open("w", newline="") as file:
        writer = csv.DictWriter(file, ("depth", "seed", "removal", "error", "train_loss"), extrasaction="ignore")
        writer.writeheader()
        for depth, reference in REFERENCE.items():
            rows = complete_matrix(100, depths=(depth,), removals=REMOVALS, seeds=seeds).rows()
            writer.writerows(rows)
            file.flush()
            medians = [statistics.median(row["error"] for row in rows if row["removal"] == at) for at in REMOVALS]
            print(
                f"depth {depth}: "
                + " ".join(f"{ours:.4f} ({theirs})" for ours, theirs in zip(medians, reference, strict=True))
            )
            print(f"  {time.perf_counter() - start:.0f} s so far", flush=True)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GB")


if __name__ == "__main__":
    main()
