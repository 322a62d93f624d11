"""Does a late deficit window hurt a deep linear network that completes a matrix? Writes completion_window.csv.

    python evidence/completion_window.py [--instances 16] [--size 50]

Size 50, rank 5 -> 3, 600 observed entries; windows of two lengths at every onset, each followed by 0, 10,000 or 30,000
clean updates; and clean runs of the same total budget (length 0).
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from critlab.linear import complete_matrix

ONSETS = (0, 1000, 2000, 5000, 10000, 20000, 40000)
LENGTHS = (5000, 20000)
RECOVERIES = (0, 10000, 30000)
COLUMNS = ("depth", "seed", "onset", "length", "removal", "recovery", "error", "train_loss")


def rows(size: int, instances: int) -> list[dict[str, float]]:
    windows = [(onset, onset + length) for length in LENGTHS for onset in ONSETS]
    controls = sorted({(stop, stop) for _, stop in windows})
    found = []
    for depth in (1, 2, 3):
        for recovery in RECOVERIES:
            table = complete_matrix(
                size,
                ranks=(5, 3),
                observed=600 * size * size // 2500,
                depths=(depth,),
                windows=[*windows, *controls],
                recovery=recovery,
                seeds=range(1, instances + 1),
            )
            for row in table.rows():
                length = max(0, row["removal"] - row["onset"])
                found.append({**{c: row[c] for c in row if c in COLUMNS}, "length": length, "recovery": recovery})
            print(f"depth {depth}, recovery {recovery}: done", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instances", type=int, default=16)
    parser.add_argument("--size", type=int, default=50)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".csv"))
    chosen = parser.parse_args()
    found = rows(chosen.size, chosen.instances)
    with chosen.out.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)


if __name__ == "__main__":
    main()
