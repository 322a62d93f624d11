"""How often the answer about the time of a switch is wrong: planted curves, judged by the code that judges trainings.

    OMP_NUM_THREADS=1 python evidence/when_planted.py [--curves 200] [--seed 2026] [--out evidence/when_planted.csv]

Each curve is drawn anew: where its peak or step is, how wide and how high (2 to 6 points). A training is a value of the
curve plus a part of its seed (deviation 0.7 points) plus noise (1 point), and the whole adaptive loop asks for cells:
17 candidate times in 40 epochs, 3 to 10 seeds, a tolerance of 1 point. The settings of the smoothing were chosen on
other seeds than the reported ones.

Kinds of noise: ``normal``; ``shared``, where a fork at epoch t of 40 shares a part t / 40 of its noise with the trunk;
``skewed``, exponential towards low values. Columns: shares of curves, and means. ``covers``: the interval contains a
best time; ``covers_all``: all of them; ``plateau_holds``: no time of the plateau, whole epochs between its ends
included, is worse by more than twice the tolerance; ``none_better``: it is said; ``none_is_better``: it is true;
``matters``: some time is found worse than another; ``share``: of the epochs of full reruns of the same times and seeds.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.random import Generator

from critlab.analysis.statistics.summary import Floats
from critlab.analysis.timing import Design, Timing, run_design
from critlab.analysis.timing.costs import steps_spent
from critlab.analysis.timing.table import Cell

TOTAL, SEEDS, TOLERANCE = 40, 10, 1.0
EPOCHS = np.arange(TOTAL + 1.0)
CANDIDATES = sorted({round(place) for place in np.linspace(0, TOTAL, 17)})


def bump(at: float, width: float) -> Floats:
    found: Floats = np.exp(-0.5 * ((EPOCHS - at) / width) ** 2)
    return found


def peak(random: Generator) -> Floats:
    return random.uniform(2, 6) * bump(random.uniform(0.15, 0.85) * TOTAL, random.uniform(0.1, 0.35) * TOTAL)


def step(random: Generator) -> Floats:
    return np.where(random.uniform(0.15, 0.85) * TOTAL >= EPOCHS, random.uniform(2, 6), 0.0)


def sloped_step(random: Generator) -> Floats:
    high = step(random)
    return high + 0.5 * EPOCHS / TOTAL * (high > 0)


def two_peaks(random: Generator) -> Floats:
    first, second = random.uniform(0.1, 0.35) * TOTAL, random.uniform(0.65, 0.9) * TOTAL
    width, height = random.uniform(0.1, 0.15) * TOTAL, random.uniform(2, 6)
    return height * bump(first, width) + (height - random.uniform(0, 2)) * bump(second, width)


FAMILIES: Mapping[str, Callable[[Generator], Floats]] = {
    "flat": lambda random: np.zeros(TOTAL + 1),
    "peak": peak,
    "rising": lambda random: random.uniform(2, 6) * EPOCHS / TOTAL,
    "falling": lambda random: random.uniform(2, 6) * (1 - EPOCHS / TOTAL),
    "step": step,
    "sloped step": sloped_step,
    "two peaks": two_peaks,
}


def normal(random: Generator) -> Floats:
    return random.normal(0, 1, (TOTAL + 1, SEEDS))


def shared(random: Generator) -> Floats:
    part = EPOCHS[:, None] / TOTAL
    found: Floats = np.sqrt(part) * random.normal(0, 1, SEEDS) + np.sqrt(1 - part) * normal(random)
    return found


def skewed(random: Generator) -> Floats:
    return 1 - random.exponential(1, (TOTAL + 1, SEEDS))


NOISES: Mapping[str, Callable[[Generator], Floats]] = {"normal": normal, "shared": shared, "skewed": skewed}


def answer(curve: Floats, noise: Floats, random: Generator) -> tuple[Timing, list[Cell]]:
    own, asked = random.normal(0, 0.7, SEEDS), list[Cell]()

    def train(cells: tuple[Cell, ...]) -> dict[Cell, float]:
        asked.extend(cells)
        return {(time, seed): float(curve[time] + own[seed] + noise[time, seed]) for time, seed in cells}

    design = Design.of(CANDIDATES, range(SEEDS), always=[TOTAL])
    return run_design(design, train, tolerance=TOLERANCE, never=TOTAL), asked


def facts(curve: Floats, timing: Timing, cells: list[Cell]) -> dict[str, float]:
    best = np.flatnonzero(curve >= curve.max() - 1e-9)
    inside = (best >= timing.best.low) & (best <= timing.best.high)
    loss = curve.max() - curve
    worst = max(loss[one.low : one.high + 1].max() for one in (timing.plateau, *timing.also))
    spent, reruns = steps_spent(cells, TOTAL)
    return {
        "covers": inside.any(),
        "covers_all": inside.all(),
        "plateau_holds": worst <= 2 * TOLERANCE + 1e-9,
        "none_better": bool(timing.none_better),
        "none_is_better": loss[-1] <= 1e-9,
        "matters": timing.matters,
        "decided": timing.decided,
        "interval": timing.best.high - timing.best.low,
        "plateau": timing.plateau.high - timing.plateau.low,
        "true_plateau": (loss <= TOLERANCE).sum() - 1,
        "loss_of_best": loss[timing.best.epoch],
        "times": len({time for time, _ in cells}),
        "seeds": len({seed for _, seed in cells}),
        "share": spent / reruns,
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--curves", type=int, default=200)
    arguments.add_argument("--seed", type=int, default=2026)
    arguments.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".csv"))
    arguments.add_argument("--noise", choices=NOISES, help="this kind alone; other rows of the file stay")
    arguments.add_argument("--family", choices=FAMILIES, help="this family alone; other rows of the file stay")
    given = arguments.parse_args()
    kinds = [(noise, family) for noise in NOISES for family in FAMILIES]
    rows = dict[tuple[str, str], dict[str, float | str]]()
    if given.out.is_file():
        with given.out.open(newline="") as file:
            rows = {(row["noise"], row["family"]): dict(row) for row in csv.DictReader(file)}
    for index, (noise, family) in enumerate(kinds):
        if given.noise not in (None, noise) or given.family not in (None, family):
            continue
        found = []
        for place in range(given.curves):
            random = np.random.default_rng([given.seed, place, index])
            curve = FAMILIES[family](random)
            found.append(facts(curve, *answer(curve, NOISES[noise](random), random)))
        means = {key: round(float(np.mean([one[key] for one in found])), 4) for key in found[0]}
        rows[noise, family] = {"noise": noise, "family": family, "curves": given.curves, **means}
        print(rows[noise, family], flush=True)
        with given.out.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[noise, family].keys(), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows[one] for one in kinds if one in rows)


if __name__ == "__main__":
    main()
