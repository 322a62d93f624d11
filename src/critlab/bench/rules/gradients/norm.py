"""Gradient norm, as a share of its peak so far."""

from __future__ import annotations

from critlab.bench.records import Records
from critlab.bench.rules.rule import BenchRule


def answer(records: Records) -> float:
    """The mean norm over the steps of the latest epoch; 1 at the beginning."""
    seen = records.signals["gradient_norm"][1:]
    return float(seen[-1] / seen.max()) if len(seen) else 1.0


RULE = BenchRule("Gradient norm, as a share of its peak so far", "ours", answer)
