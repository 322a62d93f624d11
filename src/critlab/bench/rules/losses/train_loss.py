"""Training loss, as a share of the first."""

from __future__ import annotations

from critlab.bench.records import Records
from critlab.bench.rules.rule import BenchRule


def answer(records: Records) -> float:
    """The mean training loss of the latest epoch; 1 at the beginning, where there is none."""
    seen = records.signals["train_loss"][1:]
    return float(seen[-1] / seen[0]) if len(seen) else 1.0


RULE = BenchRule("Training loss, as a share of the first", "ours", answer)
