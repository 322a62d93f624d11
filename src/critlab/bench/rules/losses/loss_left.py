"""Share that is left of the loss's way to where it is heading."""

from __future__ import annotations

from critlab.bench.records import Records
from critlab.bench.rules.rule import BenchRule

FEWEST = 5
"""Readings before anything is said."""


def answer(records: Records) -> float:
    """What is left of the way from the first test loss to the rest of the exponential through three readings.

    They are the first, the latest and the one halfway; a loss that does not slow down has all of its way left.
    """
    seen = records.signals["test_loss"]
    if len(seen) < FEWEST:
        return 1.0
    half = (len(seen) - 1) // 2
    early, late = float(seen[0] - seen[half]), float(seen[half] - seen[2 * half])
    if early <= 0 or late >= early:
        return 1.0
    # what remains of a geometric fall after two terms
    return (max(late, 0.0) / early) ** 2


RULE = BenchRule("Share that is left of the loss's way to where it is heading", "ours", answer)
