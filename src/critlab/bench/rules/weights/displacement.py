"""Way of the weights in the latest epoch, as a share of their norm."""

from __future__ import annotations

from critlab.bench.records import Records
from critlab.bench.rules.rule import BenchRule


def answer(records: Records) -> float:
    """The distance to the weights an epoch before; 1 at the beginning."""
    return float(records.signals["moved"][-1]) if records.epoch else 1.0


RULE = BenchRule("Way of the weights in the latest epoch, as a share of their norm", "ours", answer)
