"""The search for the demo's setting: which deficit harms which small network, and what does that cost?

    python evidence/demo_search.py STORE [--seeds 3]

Every candidate is a removal sweep with one removal on the images that ship with critlab, run by critlab itself with
seeds 100, 101, ...; the demo reports seeds 0, 1, .... *Harm* is the newborn's final accuracy minus that of the deprived
run on the same learning rates.

The rule, written down before the search: among the candidates whose harm divided by its standard error is largest in
their network, and whose run with five seeds takes less than five minutes on two cores, take the one whose lower limit
of harm is highest; if it is not above one point, the demo shows no critical period and says so. The contrast beside it
is what harms least in the same network.

One row for each candidate goes to ``results/evidence/demo_search.csv``. It can be stopped and started again.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import Any

import critlab
from critlab.analysis.statistics import summarise
from critlab.deficits import Blur, DataSubset, Deficit, LabelPermutation, RandomLabels, WhiteNoise
from critlab.engine.records.provenance import provenance
from critlab.study import Setup, Study

OUT = Path(__file__).parent.parent / "results" / "evidence" / "demo_search.csv"
FIRST_SEED = 100
RECOVERY = 10

PLAIN = {"name": "mlp", "hidden": [256, 128, 64], "batch_norm": False}
NETWORKS: dict[str, dict[str, Any]] = {
    "fully connected, 1,000 images": {"model": PLAIN, "train": 1000, "lr": 0.05},
    "fully connected, 2,000 images": {"model": PLAIN, "train": 2000, "lr": 0.03},
    "fully connected, BatchNorm": {"model": {**PLAIN, "batch_norm": True}, "train": 1000, "lr": 0.05},
    "All-CNN of width 8": {"model": {"name": "all_cnn", "width": 8}, "train": 2000, "lr": 0.02},
}
DEFICITS: dict[str, Deficit] = {
    "random labels": RandomLabels(),
    "label permutation": LabelPermutation(),
    "blur to 2 pixels": Blur(factor=14),
    "white noise": WhiteNoise(),
    "a tenth of the images": DataSubset(fraction=0.1),
}
REMOVALS = {"All-CNN of width 8": 16}
"""Epochs of the deficit; 80 in the fully connected networks, whose epochs are cheap."""


def study(network: str, deficit: str, seeds: int) -> Study:
    """One candidate."""
    chosen = NETWORKS[network]
    optimizer = {"name": "sgd", "lr": chosen["lr"], "momentum": 0.9, "batch": 64, "clock": "wsd", "decay": 5}
    setup = Setup.read(
        {
            "data": {"name": "sample", "train": chosen["train"], "test": 4000},
            "model": chosen["model"],
            "optimizer": optimizer,
            "precision": "float32",
        },
        "demo search",
    )
    return critlab.removal_sweep(
        DEFICITS[deficit],
        at=[REMOVALS.get(network, 80)],
        recovery=RECOVERY,
        seeds=range(FIRST_SEED, FIRST_SEED + seeds),
        setup=setup,
        name=f"{network} {deficit}".replace(",", ""),
    )


def row(network: str, deficit: str, asked: Study, store: str) -> dict[str, Any]:
    """The candidate's harm and what it cost."""
    results = critlab.run(asked, store)
    (point,) = results.curve().tested
    made = results.provenance
    harm = summarise([seed.damage for seed in point.seeds])
    seconds = made["seconds of training"] / made["epochs trained"]
    return {
        "network": network,
        "deficit": deficit,
        "removed": point.at,
        "n": harm.n,
        "newborn": round(point.control.value, 4),
        "harm": round(harm.mean, 4),
        "low": round(harm.low, 4) if harm.low is not None else None,
        "high": round(harm.high, 4) if harm.high is not None else None,
        "harm / stderr": round(harm.mean / harm.estimate.stderr, 2),
        "epochs": made["epochs trained"],
        "worker seconds per epoch": round(seconds, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store")
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    table: list[dict[str, Any]] = []
    for network in NETWORKS:
        for deficit in DEFICITS:
            table.append(row(network, deficit, study(network, deficit, arguments.seeds), arguments.store))
            print(*table[-1].values(), sep="\t", flush=True)
            with OUT.open("w", newline="") as file:
                file.write("# " + "; ".join(f"{key} {value}" for key, value in provenance().items()) + "\n")
                writer = csv.DictWriter(file, fieldnames=list(table[0]), lineterminator="\n")
                writer.writeheader()
                writer.writerows(table)


if __name__ == "__main__":
    main()
