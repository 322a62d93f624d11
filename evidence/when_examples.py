"""The worked examples of ``critlab.when``, run once: answer, cost, forks, and the plateau on fresh seeds.

    CRITLAB_DATA=... OMP_NUM_THREADS=1 python evidence/when_examples.py resolution --store DIR

Writes ``results/when/NAME.json``, ``NAME.csv`` (every cell) and ``NAME.html``. The fresh seeds are none of the
example's. They are trained at both ends of the plateau and at the best time, and judged by themselves: the largest loss
of the plateau's ends against the best of the three times.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import torch

from critlab.hooks.when.answer import When

ROOT = Path(__file__).resolve().parent.parent
FRESH = tuple(range(1000, 1006))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("name", choices=("resolution", "unfreeze", "mixture"))
    arguments.add_argument("--store", required=True)
    arguments.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="other sizes, such as STEPS=5")
    arguments.add_argument("--out", type=Path, default=ROOT / "results" / "when")
    given = arguments.parse_args()
    torch.set_num_threads(1)
    sys.path.insert(0, str(ROOT / "examples"))
    module = importlib.import_module(f"when_{given.name}")
    sizes = {name: int(value) for name, value in (one.split("=") for one in given.set)}
    for name, value in sizes.items():
        setattr(module, name, value)
    began = time.process_time()
    answer: When = module.run(given.store, present=module.TOTAL // 2)
    seconds = time.process_time() - began
    given.out.mkdir(parents=True, exist_ok=True)
    document = {
        **answer.document(),
        "sizes": sizes,
        "share": answer.spent / answer.reruns,
        "cost_share": None if answer.costs is None else answer.costs.spent / answer.costs.reruns,
        "processor_seconds": round(seconds, 1),
        "fresh": fresh(module, answer, given.store),
    }
    (given.out / f"{given.name}.json").write_text(json.dumps(document, indent=1) + "\n")
    answer.to_pandas().to_csv(given.out / f"{given.name}.csv", index=False)
    answer.report(given.out / f"{given.name}.html")
    print(answer)
    print(document["fresh"])


def fresh(module: Any, answer: When, store: str) -> dict[str, Any]:
    """Mean loss of the plateau's ends against the best of the tried times, on seeds that the answer never saw."""
    times = sorted({answer.best.epoch, *answer.plateau})
    again: When = module.run(store, seeds=FRESH, times=times, present=None, check=False, name=f"{answer.name}-fresh")
    metric, sign = next(iter(answer.timings)), 1 if answer.timing.goal == "max" else -1
    means = {one: sign * sum(again.cells[one, seed][metric] for seed in FRESH[:3]) / 3 for one in times}
    losses = {one: max(means.values()) - value for one, value in means.items()}
    return {"seeds": FRESH[:3], "losses": losses, "holds": max(losses.values()) <= 2 * answer.timing.tolerance}


if __name__ == "__main__":
    main()
