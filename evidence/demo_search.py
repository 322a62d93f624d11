"""The search for the demo's setting: how much damage does each candidate show, and what does it cost?

    python evidence/demo_search.py STORE [--seeds 3]

Every candidate is run through critlab on the images that ship with it: a removal sweep with the vertical flip as
control at the last point; the first one also as a window sweep at equal total budget. One row per point goes to
``evidence/demo_search.csv``, with the worker-seconds of an epoch on the machine at hand. Safe to stop and to start
again.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import Any

import critlab
from critlab.deficits import Blur, VerticalFlip
from critlab.engine.records.provenance import provenance
from critlab.study import Setup, Study

OUT = Path(__file__).with_suffix(".csv")
PLAIN: dict[str, Any] = {"train": 3000, "width": 8, "lr": 0.05, "lr_decay": 0.75, "batch": 128, "factor": 7}
REMOVALS, RECOVERY = [0, 4, 8, 12], 10
ONSETS, LENGTH, TOTAL = [0, 3, 6, 9, 12], 3, 18

CANDIDATES: dict[str, dict[str, Any]] = {
    "plain": {},
    "fewer images": {"train": 2000},
    "faster decay": {"lr_decay": 0.7},
    "higher rate": {"lr": 0.1},
    "stronger blur": {"factor": 14},
    "smaller batch": {"batch": 64, "train": 2000},
}


def base(setting: dict[str, Any]) -> Setup:
    """The candidate's data, model and optimiser."""
    return Setup.read(
        {
            "data": {"name": "sample", "train": setting["train"], "test": 2000},
            "model": {"name": "all_cnn", "width": setting["width"]},
            "optimizer": {
                "name": "sgd",
                "lr": setting["lr"],
                "lr_decay": setting["lr_decay"],
                "momentum": 0.9,
                "weight_decay": 0.001,
                "batch": setting["batch"],
            },
            "augment": {"flip": True, "shift": 2},
        },
        "demo search",
    )


def studies(name: str, changes: dict[str, Any], seeds: int) -> list[Study]:
    """The candidate's removal sweep and window sweep."""
    setting = PLAIN | changes
    blur, common = Blur(factor=setting["factor"]), {"base": base(setting), "seeds": seeds}
    controls = {"deficits": [VerticalFlip()], "at": [REMOVALS[-1]]}
    label = name.replace(" ", "-")
    removal = critlab.removal(
        blur, at=REMOVALS, recovery=RECOVERY, name=f"{label}-removal", controls=controls, **common
    )
    if changes:
        return [removal]
    return [
        removal,
        critlab.windows(blur, onsets=ONSETS, length=LENGTH, total=TOTAL, name=f"{label}-windows", **common),
    ]


def rows(candidate: str, study: Study, store: str) -> list[dict[str, Any]]:
    """One row per point of every arm."""
    results = critlab.run(study, store)
    seconds = results.provenance["seconds of training"] / results.provenance["epochs trained"]
    found = []
    for arm in dict.fromkeys(run.arm for run in study.runs if run.deficit is not None):
        for point in results.curve(arm).points:
            found.append(
                {
                    "candidate": candidate,
                    "sweep": study.sweep.kind,
                    "arm": arm,
                    "at": point.at,
                    "n": point.n,
                    "control": round(point.control.value, 4),
                    "damage": round(point.damage.value, 4),
                    "low": None if point.low is None else round(point.low, 4),
                    "high": None if point.high is None else round(point.high, 4),
                    "training_seconds_per_epoch": round(seconds, 3),
                    "epochs": results.provenance["epochs trained"],
                }
            )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store")
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    table: list[dict[str, Any]] = []
    for candidate, changes in CANDIDATES.items():
        for study in studies(candidate, changes, arguments.seeds):
            table += rows(candidate, study, arguments.store)
        with OUT.open("w", newline="") as file:
            file.write("# " + "; ".join(f"{key} {value}" for key, value in provenance().items()) + "\n")
            writer = csv.DictWriter(file, fieldnames=list(table[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(table)
        for row in table:
            if row["candidate"] == candidate:
                print(*row.values(), sep="\t", flush=True)


if __name__ == "__main__":
    main()
