"""Share of the training that is left."""

from __future__ import annotations

from critlab.bench.records import Records
from critlab.bench.rules.rule import BenchRule


def answer(records: Records) -> float:
    """The epochs that are left, as a share of all."""
    return 1 - records.epoch / records.total


RULE = BenchRule("Share of the training that is left", "ours", answer)
