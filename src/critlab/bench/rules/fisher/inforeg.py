"""InfoReg: the mean trace of ten epochs grows by more than k = 4 % an epoch."""

from __future__ import annotations

from critlab.analysis.sources.prime_window import THRESHOLD, growth
from critlab.bench.answers import Answer
from critlab.bench.records import Records
from critlab.bench.rules.rule import BenchRule


def answer(records: Records) -> Answer:
    """Open while the relative growth is above k, and before the second reading."""
    seen = records.signals["fisher"].sum(1)
    found = growth(range(len(seen)), seen.tolist(), [0.0] * len(seen))
    if found is None:
        return Answer(1.0, "open")
    return Answer(found.value, "open" if found.value > THRESHOLD else "closed")


RULE = BenchRule(
    "InfoReg: the mean trace of ten epochs grows by more than k = 4 % an epoch",
    "Huang, Wei, Yang and Hu 2025 (CVPR), as in their code",
    answer,
)
