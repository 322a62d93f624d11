"""Two studies whose truth is known, trained for real: their verdicts must not claim what is not there.

- A network that is frozen until removal (learning rate 0): it neither learns nor takes harm. Never "present".
- The demo's blur at a constant learning rate: longer training helps, so that the runs with the deficit end higher than
  the shorter control although they lose against clean runs of equal length. Never "absent".

Usage: python evidence/verdicts.py [--store FOLDER] [--seeds N] [--out results/evidence/verdicts.csv]. With five seeds
it trains 1,000 epochs of the demo's network. The rows are the named damages, fractions of accuracy.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import critlab
from critlab.deficits import Blur
from critlab.papers.ours.sample_base import sample_base
from critlab.study import Study

COLUMNS = (
    "study",
    "answer",
    "damage",
    "at",
    "kind",
    "n",
    "estimate",
    "low",
    "high",
    "adjusted_p",
    "exceeds",
    "bounded",
)
FORBIDDEN = {"frozen": "present", "constant": "absent", "constant-equal-length": "absent"}


def studies(seeds: int) -> list[Study]:
    """The frozen network, and blur at a constant rate without and with clean runs of equal length."""
    base = sample_base(train=2000, width=8, batch=64, lr_decay=0.75)
    base = base.model_copy(update={"measures": {}})
    swept = {"at": [0, 4, 8, 12], "recovery": 10, "seeds": seeds, "precision": "float32"}
    steady = base.model_copy(update={"optimizer": base.optimizer.model_copy(update={"clock": "constant"})})
    frozen = critlab.removal_sweep(None, switch={"lr_factor": 0.0}, setup=base, name="frozen", **swept)
    blurred = {"setup": steady, **swept}
    return [
        frozen,
        critlab.removal_sweep(Blur(factor=7), name="constant", **blurred),
        critlab.removal_sweep(Blur(factor=7), name="constant-equal-length", controls={"equal_total": True}, **blurred),
    ]


def main() -> None:
    """Train what the store lacks, judge, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, default=Path("verdicts-store"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("results/evidence/verdicts.csv"))
    parser.add_argument("--workers", type=int)
    asked = parser.parse_args()
    rows = []
    for study in studies(asked.seeds):
        verdict = critlab.run(study, asked.store, workers=asked.workers).verdict()
        print(f"{study.name}: {verdict.lines()[0]}", flush=True)
        for one in verdict.damages:
            numbers = (one.n, one.estimate, one.low, one.high, one.adjusted_p, one.exceeds, one.bounded)
            rows.append((study.name, verdict.answer, one.name, one.at, one.kind, *numbers))
        assert verdict.answer != FORBIDDEN[study.name], study.name
    with asked.out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)


if __name__ == "__main__":
    main()
