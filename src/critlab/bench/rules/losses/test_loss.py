"""Test loss, as a share of the first."""

from __future__ import annotations

from critlab.bench.records import Records
from critlab.bench.rules.rule import BenchRule


def answer(records: Records) -> float:
    """The test loss now."""
    seen = records.signals["test_loss"]
    return float(seen[-1] / seen[0])


RULE = BenchRule("Test loss, as a share of the first", "ours", answer)
