"""Change of the representation in the latest epoch (1 − linear CKA)."""

from __future__ import annotations

from critlab.bench.records import Records
from critlab.bench.rules.rule import BenchRule


def answer(records: Records) -> float:
    """The change now; 1 at the beginning."""
    return float(records.signals["cka_velocity"][-1]) if records.epoch else 1.0


RULE = BenchRule(
    "Change of the representation in the latest epoch (1 − linear CKA)",
    "Kornblith and others 2019; as a closing: ours",
    answer,
)
