"""Error rates and power of the verdict through ``critlab.probe``: five functions whose score is known.

The functions are those of ``tests/support/synthetic_loops.py``: nothing; a harm of 4 points; pure delay; a learning
rate that falls while the deficit teaches something; longer training that helps. The score of each run has a deviation
of one point over seeds. A row is a kind of training with the number of studies and of each answer.

Usage: python evidence/probe_verdicts.py [--studies 200] [--seeds 4] [--out results/evidence/probe_verdicts.csv]
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import get_args

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))

from critlab.analysis.judgement.verdict import Answer
from synthetic_loops import FALSE, SCORES, probed


def judge(kind: str, study: int, seeds: int) -> Answer:
    """The answer of one study, in a store of its own that is deleted afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        return probed(kind, study, Path(folder), seeds).verdict().answer


def main() -> None:
    """Judge the studies in turn and write the table after each round, so that an interrupted run has a table too."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="Number of the first study.")
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--out", type=Path, default=Path("results/evidence/probe_verdicts.csv"))
    asked = parser.parse_args()
    torch.set_num_threads(1)
    # the progress of a thousand trainings is of no interest
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in SCORES}
    for study in range(asked.first, asked.first + asked.studies):
        for kind in SCORES:
            counts[kind][judge(kind, study, asked.seeds)] += 1
        write(asked.out, counts, asked.seeds)


def write(out: Path, counts: dict[str, Counter[str]], seeds: int) -> None:
    """One row a kind of training."""
    answers = get_args(Answer)
    with out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["training", "seeds", "studies", *answers, "false"])
        for kind, found in counts.items():
            false = sum(found[answer] for answer in FALSE[kind])
            writer.writerow([kind, seeds, sum(found.values()), *(found[answer] for answer in answers), false])


if __name__ == "__main__":
    main()
