"""Fall of the test loss in the latest epochs."""

from __future__ import annotations

from critlab.bench.records import Records
from critlab.bench.rules.rule import BenchRule


def answer(records: Records) -> float:
    """The fall over the latest three epochs for each epoch; at the beginning the whole loss."""
    seen = records.signals["test_loss"][-4:]
    return float((seen[0] - seen[-1]) / (len(seen) - 1)) if len(seen) > 1 else float(seen[0])


RULE = BenchRule("Fall of the test loss in the latest epochs", "ours", answer)
