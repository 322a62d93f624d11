"""Fisher trace, as a share of its peak so far."""

from __future__ import annotations

from critlab.bench.records import Records
from critlab.bench.rules.rule import BenchRule


def answer(records: Records) -> float:
    """The trace of all layers; in the paper deficits cause most damage while it is high."""
    seen = records.signals["fisher"].sum(1)
    return float(seen[-1] / seen.max())


RULE = BenchRule("Fisher trace, as a share of its peak so far", "Achille, Rovere and Soatto 2019", answer)
