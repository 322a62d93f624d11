"""Gradient confusion: largest cosine of the gradients of two batches."""

from __future__ import annotations

from critlab.bench.records import Records
from critlab.bench.rules.rule import BenchRule


def answer(records: Records) -> float:
    """The largest cosine over the pairs of eight batches, now."""
    return float(records.signals["confusion_max"][-1])


RULE = BenchRule(
    "Gradient confusion: largest cosine of the gradients of two batches",
    "Fukase and others 2025 (arXiv 2506.15954)",
    answer,
)
