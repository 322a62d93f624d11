"""Is there a late deficit that does not hurt? Windows of equal length at every onset, with controls of equal budget.

    python evidence/completion_window.py [--instances 16]

Portable instances of n = 50, rank 5 to 3, 600 observed entries. Windows of three lengths begin at each onset, and two
recoveries follow, so that damage that is mere inertia shows as damage that the longer recovery mends. The control of
equal budget is the clean run with as many updates. One row a run goes to ``evidence/completion_window.csv``, as soon as
its batch is done, and a batch that is in the file is not computed again; about half an hour on one core.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import torch

from critlab.theory.linear import complete_matrix

OUT = Path(__file__).with_suffix(".csv")
DEPTHS = (3, 2)
ONSETS = (0, 1000, 2000, 5000, 10000, 20000, 40000)
LENGTHS = (5000, 10000, 20000)
RECOVERIES = (10000, 40000)
NEVER = 10**9
COLUMNS = ("depth", "seed", "onset", "removal", "recovery", "error", "train_loss")


def batch(depth: int, onset: int, recovery: int, instances: int) -> list[dict[str, float]]:
    """All windows at one onset, or, at :data:`NEVER`, the clean runs of all their budgets."""
    ends = sorted({start + length for start in ONSETS for length in LENGTHS})
    table = complete_matrix(
        50,
        ranks=(5, 3),
        observed=600,
        depths=(depth,),
        onsets=(onset,),
        removals=ends if onset == NEVER else [onset + length for length in LENGTHS],
        recovery=recovery,
        seeds=range(1, instances + 1),
    )
    return [{**row, "recovery": recovery} for row in table.rows()]


def finished() -> set[tuple[int, int, int]]:
    """The batches that are in the file already: depth, onset, recovery."""
    if not OUT.exists():
        return set()
    with OUT.open(newline="") as file:
        return {(int(row["depth"]), int(row["onset"]), int(row["recovery"])) for row in csv.DictReader(file)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instances", type=int, default=16)
    instances = parser.parse_args().instances
    torch.set_num_threads(1)
    done = finished()
    with OUT.open("a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")
        if not done:
            writer.writeheader()
        for depth in DEPTHS:
            for recovery in RECOVERIES:
                for onset in (NEVER, *ONSETS):
                    if (depth, onset, recovery) in done:
                        continue
                    writer.writerows(batch(depth, onset, recovery, instances))
                    file.flush()


if __name__ == "__main__":
    main()
