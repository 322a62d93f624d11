"""How often the answer about the time of a switch is right for a study file's design: simulated studies, one code.

Final accuracies are made up with the noise of real runs: 0.5 points from run to run and 0.13 from seed to seed. Each
study is judged by ``results.timing()``, as ``critlab when STUDY`` does.

- ``null``: the switch does nothing. The answer must be that there is no effect, in at least 97.5 %.
- ``peak``: the loss against the best time grows by a point for each five epochs. The interval must hold the best time.
- ``harm``: every epoch with the switch costs. No time may be called better than never.

Usage: PYTHONPATH=src:tests/support python evidence/when_studies.py [--studies N] [--out FILE]
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from critlab.analysis.tables.results import Results
from critlab.study import Run
from synthetic import synthetic_results

TOTAL, BEST = 40, 20
TRUTHS: dict[str, Callable[[int], float]] = {
    "null": lambda epoch: 0.0,
    "peak": lambda epoch: 0.002 * abs(epoch - BEST) - 0.04,
    "harm": lambda epoch: 0.001 * (TOTAL - epoch),
}
SWEEP: dict[str, Any] = {"kind": "onset", "at": [5, 10, 15, 20, 25, 30, 35], "total": TOTAL}
COLUMNS = ("truth", "seeds", "studies", "no effect found", "none better than never", "interval holds the best time")


@cache
def design(seeds: int) -> Results:
    """A study of the design, with the rows that its answer is read from."""
    made = synthetic_results(seeds, controls={}, parts={"sweep": SWEEP})
    rows = (row for row in made.rows if row.quantity == "test_accuracy" and row.epoch > TOTAL - 3)
    return replace(made, rows=tuple(rows))


def simulated(truth: str, seeds: int, key: int) -> Results:
    """The results of one study: every test accuracy of a run is its made-up final accuracy."""
    study = design(seeds)
    random = np.random.default_rng([key, seeds])
    common = random.normal(0, 0.0013, seeds)
    finals = {
        run.identifier(seed): 0.8 - _loss(truth, run) + common[place] + random.normal(0, 0.005)
        for run in study.study.runs
        for place, seed in enumerate(study.study.seeds)
    }
    return replace(study, rows=tuple(replace(row, value=finals[row.run]) for row in study.rows))


def _loss(truth: str, run: Run) -> float:
    return TRUTHS[truth](TOTAL if run.clean else int(run.at))


def row(truth: str, seeds: int, studies: int) -> tuple[str | int | float, ...]:
    """The shares of ``studies`` simulated studies with each answer."""
    null = none_better = covered = 0
    for key in range(studies):
        found = simulated(truth, seeds, key).timing()
        assert found is not None
        null += not found.timing.matters
        none_better += found.timing.none_better is True
        covered += found.timing.best.low <= BEST <= found.timing.best.high
    return truth, seeds, studies, null / studies, none_better / studies, covered / studies


def main() -> None:
    """Simulate every truth with several numbers of seeds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--studies", type=int, default=300)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".csv"))
    asked = parser.parse_args()
    with asked.out.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for truth in TRUTHS:
            for seeds in (3, 5):
                writer.writerow(row(truth, seeds, asked.studies))
                file.flush()


if __name__ == "__main__":
    main()
