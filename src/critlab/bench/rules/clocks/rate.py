"""Learning rate, as a share of the largest."""

from __future__ import annotations

from critlab.bench.records import Records
from critlab.bench.rules.rule import BenchRule


def answer(records: Records) -> float:
    """The rate of the epoch that comes next."""
    return float(records.signals["rate"][-1])


RULE = BenchRule("Learning rate, as a share of the largest", "ours", answer)
