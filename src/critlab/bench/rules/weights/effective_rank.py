"""Effective rank of the last hidden layer."""

from __future__ import annotations

from critlab.bench.records import Records
from critlab.bench.rules.rule import BenchRule


def answer(records: Records) -> float:
    """The rank now."""
    return float(records.signals["effective_rank"][-1])


RULE = BenchRule("Effective rank of the last hidden layer", "Roy and Vetterli 2007; as a closing: ours", answer)
