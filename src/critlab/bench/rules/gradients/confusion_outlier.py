"""Gradient confusion: its largest cosine was an outlier below those before."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from critlab.bench.answers import Answer
from critlab.bench.records import Records
from critlab.bench.rules.rule import BenchRule

FEWEST = 5
"""Readings before one of them can be an outlier."""


def answer(records: Records) -> Answer:
    """Closed from the first reading that is an outlier: 1.5 interquartile ranges below the lower quartile before it.

    The authors check every ten epochs of a training of 200; here it is every epoch from the fifth on.
    """
    seen = records.signals["confusion_max"]
    closed = any(seen[place] < _bound(seen[:place]) for place in range(FEWEST, len(seen)))
    return Answer(float(seen[-1]), "closed" if closed else "open")


def _bound(before: NDArray[np.float64]) -> float:
    low, high = np.quantile(before, [0.25, 0.75])
    return float(low - 1.5 * (high - low))


RULE = BenchRule(
    "Gradient confusion: its largest cosine was an outlier below those before",
    "Fukase and others 2025 (arXiv 2506.15954), as in their code",
    answer,
)
