"""Forks: damage after 4 deprived and 3 clean epochs."""

from __future__ import annotations

from critlab.bench.records import Records
from critlab.bench.rules.rule import BenchRule


def answer(records: Records) -> dict[str, float]:
    """The mean damage of the forks."""
    return {name: float(records.fork(name, deprived=4, clean=3)[:, -1].mean()) for name in records.deficits}


RULE = BenchRule("Forks: damage after 4 deprived and 3 clean epochs", "ours", answer)
