"""If one of two sources is blurred early in training, does the network go on to answer to the other one alone?

Each example shows two views of one image. Source B is blurred until epoch 0, 4 or 8; then both are clear. The relative
source variance says which source a unit responds to: -1 is A alone, +1 is B alone. Replace data and model by your own.
"""

from __future__ import annotations

import argparse
from typing import Any

import critlab
from critlab.deficits import Blur

AT, RECOVERY, SEEDS, TRAIN, TEST, WIDTH = (0, 4, 8), 8, 3, 2000, 1000, 4


def study() -> critlab.Study:
    every = RECOVERY if not any(AT) else max(1, min(at for at in AT if at))
    setup = critlab.Setup(
        data={"name": "two_view", "of": "sample", "train": TRAIN, "test": TEST},
        model={"name": "split_resnet18", "width": WIDTH},
        optimizer={"name": "sgd", "lr": 0.075, "lr_decay": 0.85, "momentum": 0.9, "batch": min(64, TRAIN)},
        measures={
            "relative_source_variance": {"every": every, "images": 16},
            "usable_information": {"every": every, "images": min(1000, TEST)},
        },
        precision="float32",
    )
    deficit = Blur(factor=7, source="B")
    return critlab.removal_sweep(deficit, at=AT, recovery=RECOVERY, seeds=SEEDS, setup=setup, name="early-blur-of-b")


def medians(results: critlab.Results) -> dict[str, float]:
    """The median relative source variance at the end of the deficit runs, averaged over seeds."""
    arms = {run.arm for run in results.study.runs if run.role in ("control", "deficit")}
    rows = [row for row in results.rows if row.quantity == "relative_source_variance" and row.arm in arms]
    ends = {at: [row.value for row in rows if row.stop == at and row.epoch == at + RECOVERY] for at in AT}
    return {f"B blurred until epoch {at}": sum(values) / len(values) for at, values in ends.items()}


def run(store: str = "critlab-store", page: str = "two-sources.html", **options: Any) -> critlab.Results:
    results = critlab.run(study(), store, **options)
    critlab.report(results, page)
    return results


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--store", default="critlab-store")
    found = run(parser.parse_args().store)
    print(*found.verdict().lines(), sep="\n")
    for name, median in medians(found).items():
        print(f"{name}: median relative source variance {median:+.2f}")
