"""Sum of the learning rates so far, falling."""

from __future__ import annotations

from critlab.bench.records import Records
from critlab.bench.rules.rule import BenchRule


def answer(records: Records) -> float:
    """Minus the rates of all epochs so far: what the training has gone through, in epochs at the full rate."""
    return -float(records.signals["rate"][:-1].sum())


RULE = BenchRule("Sum of the learning rates so far, falling", "ours", answer)
