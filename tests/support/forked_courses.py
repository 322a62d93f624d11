"""Trainings of which only the damage of forks is simulated: what is said of their closing, and whether it stays."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from critlab.hooks.sensitivity.answer import DeficitSensitivity
from critlab.hooks.sensitivity.course import Closing, closing

SMALLEST, REPEATS, TOTAL = 0.01, 8, 100
ONSETS = (0, 1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 80)


def forked(truth: float, deviation: float, onset: int, random: np.random.Generator) -> DeficitSensitivity:
    """Repeats until the answer is decided, as forks are made.

    Args:
        truth: the mean damage.
        deviation: of a repeat.
        onset: of the forks.
        random: draws the repeats.
    """
    differences: list[tuple[float, ...]] = []
    for _ in range(REPEATS):
        differences.append((float(random.normal(truth, deviation)),))
        found = DeficitSensitivity("d", onset, TOTAL, 1, tuple(differences), SMALLEST, None, 0)
        if found.settled:
            break
    return found


def curve(kind: str, random: np.random.Generator) -> Callable[[int], float]:
    """Damage by onset: ``falling`` from some height at some speed, perhaps after a plateau, or ``cyclic`` as well."""
    height, speed, plateau = random.uniform(0.02, 0.2), TOTAL / random.uniform(2, 30), random.choice([0, 0, 8, 16])
    if kind == "cyclic":
        period, phase = random.choice([10, 20, 40]), random.uniform(0, 1)
        return lambda onset: (
            height * math.exp(-onset / speed) * (0.55 + 0.45 * math.cos(2 * math.pi * (onset / period + phase)))
        )
    return lambda onset: height * math.exp(-max(0, onset - plateau) / speed)


def said(kind: str, random: np.random.Generator) -> Iterator[Closing]:
    """What is said of the closing after each fork of one training."""
    damage, deviation, looks = curve(kind, random), random.uniform(0.002, 0.01), []
    for onset in ONSETS:
        looks.append(forked(damage(onset), deviation, onset, random))
        yield closing(looks)


def stability(kind: str, trainings: int, seed: int) -> tuple[int, int, int]:
    """Later estimates inside an interval that was said before, all later looks, and trainings that close.

    A later look at which the closing is no longer said counts as outside.
    """
    random, inside, later, closed = np.random.default_rng(seed), 0, 0, 0
    for _ in range(trainings):
        course = list(said(kind, random))
        closed += course[-1].answer == "closed"
        for place, first in enumerate(course):
            if first.answer != "closed":
                continue
            for then in course[place + 1 :]:
                later += 1
                inside += then.estimate is not None and first.low <= then.estimate <= first.high
    return inside, later, closed
