"""How the weight of pooled variances and the spent part of the level were chosen, on seeds that the calibration lacks.

For each weight and part: the largest share of false ``present`` over all kinds of noise at the two hardest nulls, and
the power at 4 points of harm, for the three standard designs. The rule, written before: the most power at three and
four seeds for which no null exceeds 2.5 %.

Usage: python evidence/moderation.py [--studies 1000] [--seed 104] [--weights 4 8 12] [--spent 0.65 1] [--counts 3 4 20]
[--out results/evidence/moderation.csv]
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch
from zlib import crc32

import numpy as np

from critlab.analysis.calibration.design import Design, design_of
from critlab.analysis.calibration.judging import Law, judge, simulate
from critlab.analysis.calibration.noise import NOISES, NORMAL
from critlab.analysis.calibration.truths import SHAPES, Truth, nulls
from critlab.analysis.judgement import decision
from critlab.analysis.statistics import moderated
from critlab.papers.ours.standard_designs import standard_designs

PLACES = ("last", "middle", "step")
COLUMNS = ("weight", "spent", "design", "seeds", "worst", "noise", *PLACES)


def present(design: Design, law: Law, seeds: int, studies: int, seed: int) -> float:
    """The share of simulated studies that are called present; the same studies for every weight and part."""
    key = crc32(repr((design.name, law.truth, law.noise.name, seeds)).encode())
    simulated = simulate(design, law, studies, seeds, np.random.default_rng([seed, key]))
    return float(np.mean(judge(simulated).answer == "present"))


def rows(seeds: int, studies: int, seed: int) -> Iterator[tuple[str, float, str, list[float]]]:
    """For each design its worst null with the noise, and the power by place."""
    for study in standard_designs():
        design = design_of(study)
        hardest = nulls(study.statistics.smallest_damage)[-2:]
        laws = [Law(truth, noise) for truth in hardest for noise in NOISES]
        rates = [(present(design, law, seeds, studies, seed), law.noise.name) for law in laws]
        planted = [Law(Truth("planted", harm=0.04, shape=place), NORMAL) for place in PLACES]
        yield design.name, *max(rates), [present(design, law, seeds, studies, seed) for law in planted]


def main() -> None:
    """Simulate every choice and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=104)
    parser.add_argument("--weights", type=float, nargs="+", default=[4, 8, 12])
    parser.add_argument("--spent", type=float, nargs="+", default=[0.65, 1])
    parser.add_argument("--counts", type=int, nargs="+", default=[3, 4, 20])
    parser.add_argument("--out", type=Path, default=Path("results/evidence/moderation.csv"))
    asked = parser.parse_args()
    SHAPES["middle"] = lambda place: float(abs(place - 0.5) < 0.01)
    with asked.out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for weight in asked.weights:
            for spent in asked.spent:
                with patch.object(moderated, "MOST_WEIGHT", weight), patch.object(decision, "SPENT", spent):
                    for seeds in asked.counts:
                        for name, worst, noise, power in rows(seeds, asked.studies, asked.seed):
                            writer.writerow([weight, spent, name, seeds, worst, noise, *power])
                            file.flush()


if __name__ == "__main__":
    main()
