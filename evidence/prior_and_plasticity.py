"""The contrasts of ``prior-and-plasticity`` on fresh seeds: 16 to 63, none of which the figure at ``small`` uses.

    python evidence/prior_and_plasticity.py           writes evidence/prior_and_plasticity.csv

The figure's 16 seeds suggested the trends; here the same contrasts are asked once more of other networks and other
examples, three times as many, with Holm's correction over all of them. With two trainers and two
deficits.
"""

from __future__ import annotations

import csv
import platform
from itertools import product
from pathlib import Path

import numpy as np
import torch
from scipy.stats import ttest_1samp

from critlab.analysis.statistics import holm
from critlab.papers.critical_feature_learning.prior_and_plasticity import (
    BIAS,
    DEFICITS,
    DEPTH,
    EDGE,
    READOUT,
    SIZES,
    TRAINERS,
    WINDOWS,
)
from critlab.theory.kernels import susceptibility
from critlab.theory.kernels.model import checked_prior
from critlab.theory.kernels.plasticity import Setting, window_outcomes

OUT = Path(__file__).with_suffix(".csv")
SCALES = (0.6, EDGE, 3.0)
SEEDS = range(16, 64)
COLUMNS = (
    "trainer", "deficit", "window", "measure", "quantity", "mean", "low", "high", "n", "p", "p_holm", "machine",
)  # fmt: skip
Named = tuple[str, str, str, str]


def damages() -> dict[Named, np.ndarray]:
    """By trainer, deficit, window and measure: damage of every seed, ``(scales, seeds)``."""
    found: dict[Named, list[np.ndarray]] = {}
    for (trainer, noise), scale in product(TRAINERS.items(), SCALES):
        prior = checked_prior(DEPTH, scale, None, READOUT, BIAS, "erf")
        posed = Setting(prior, seeds=SEEDS, noise=noise, **SIZES["small"])
        ends = {(one.deficit, one.arm): one for one in window_outcomes(posed, DEFICITS)}
        for deficit, window in product(DEFICITS, WINDOWS):
            arm, control = ends[deficit, window], ends["none", window]
            lost = {
                "squared error": arm.test_loss - control.test_loss,
                "accuracy lost": control.test_accuracy - arm.test_accuracy,
            }
            for measure, values in lost.items():
                found.setdefault((trainer, deficit, window, measure), []).append(values.numpy())
    return {key: np.stack(values) for key, values in found.items()}


def main() -> None:
    chis = [f"damage at chi = {susceptibility(scale, BIAS):.2f}" for scale in SCALES]
    machine = f"{platform.machine()}, {platform.system()}, torch {torch.__version__}, one thread"
    rows: list[dict[str, object]] = []
    contrasts: list[dict[str, object]] = []
    for (trainer, deficit, window, measure), (low, edge, high) in damages().items():
        several = dict(zip(chis, (low, edge, high), strict=True))
        differences = {
            "edge minus lowest chi": edge - low,
            "edge minus highest chi": edge - high,
            "edge minus mean of both ends": edge - (low + high) / 2,
            "highest minus lowest chi": high - low,
        }
        for quantity, values in {**several, **differences}.items():
            test = ttest_1samp(values, 0)
            interval = test.confidence_interval(0.95)
            row: dict[str, object] = {
                "trainer": trainer, "deficit": deficit, "window": window, "measure": measure, "quantity": quantity,
                "mean": f"{values.mean():.4f}", "low": f"{interval.low:.4f}", "high": f"{interval.high:.4f}",
                "n": len(values), "p": float(test.pvalue), "machine": machine,
            }  # fmt: skip
            rows.append(row)
            if quantity in differences:
                contrasts.append(row)
    for row, adjusted in zip(contrasts, holm([row["p"] for row in contrasts]), strict=True):
        row["p_holm"] = f"{adjusted:.2g}"
    with OUT.open("w", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n", restval="")
        table.writeheader()
        table.writerows({**row, "p": f"{row['p']:.2g}"} for row in rows)


if __name__ == "__main__":
    main()
