"""How often forks are wrong: the null called open, damage at the border, and answers that are taken back.

    PYTHONPATH=tests/support python evidence/sensitivity.py [--trainings 400]

``null``: trainings with a planted change that has no effect but chance, each forked by ``critlab.sensitivity``.
``border``: differences whose mean is exactly the smallest damage, through the rule of answers. ``stability``: trainings
with planted curves of damage, forked at log-spaced epochs; of every closing that was said with an interval, how many
later estimates of the same training lie inside. Curves fall at different speeds and from different heights, some after
a plateau; in ``cyclic`` the period opens again. Writes ``evidence/sensitivity.csv``.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
import torch

import critlab
from forked_courses import SMALLEST, forked, stability
from planted_forks import Planted, nudge

TABLE = Path(__file__).with_suffix(".csv")


def null(trainings: int) -> tuple[int, int]:
    calls = 0
    for place in range(trainings):
        planted = Planted(deviation=0.01)
        state = planted.start()
        state["course"] += place
        found = critlab.sensitivity(
            state, **planted.functions, deficits=[nudge], epoch=0, total=9, deprived=1, clean=1, check=False
        )
        calls += found["nudge"].answer == "open"
    return calls, trainings


def border(trainings: int) -> tuple[int, int, int]:
    random = np.random.default_rng(1)
    answers = [forked(SMALLEST, random.choice([0.002, 0.01, 0.03]), 0, random).answer for _ in range(trainings)]
    return answers.count("open"), answers.count("closed"), trainings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trainings", type=int, default=400, help="simulated trainings of each kind")
    count = parser.parse_args().trainings
    torch.set_num_threads(1)
    rows: list[dict[str, object]] = []
    calls, trainings = null(count // 2)
    rows.append({"what": "null called open", "count": calls, "of": trainings})
    opened, shut, trainings = border(5 * count)
    rows.append({"what": "border called open", "count": opened, "of": trainings})
    rows.append({"what": "border called closed", "count": shut, "of": trainings})
    for kind in ("falling", "cyclic"):
        inside, later, closed = stability(kind, count, seed=2)
        rows.append({"what": f"{kind}: closings", "count": closed, "of": count})
        rows.append({"what": f"{kind}: later estimates inside the interval", "count": inside, "of": later})
    for row in rows:
        row["share"] = round(int(str(row["count"])) / max(1, int(str(row["of"]))), 4)
        print(*row.values(), sep="\t")
    with TABLE.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
