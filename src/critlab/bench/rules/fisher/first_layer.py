"""First layer's share of the Fisher trace."""

from __future__ import annotations

from critlab.bench.records import Records
from critlab.bench.rules.rule import BenchRule


def answer(records: Records) -> float:
    """The share now."""
    seen = records.signals["fisher"][-1]
    return float(seen[0] / seen.sum())


RULE = BenchRule("First layer's share of the Fisher trace", "Achille, Rovere and Soatto 2019", answer)
