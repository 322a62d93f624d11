"""Turn of the curvature: top eigenvalue, as a share of its peak so far."""

from __future__ import annotations

from critlab.bench.records import Records
from critlab.bench.rules.rule import BenchRule


def answer(records: Records) -> float:
    """The Hessian's largest eigenvalue now; 1 while it still rises."""
    seen = records.signals["curvature"]
    return float(seen[-1] / seen.max())


RULE = BenchRule(
    "Turn of the curvature: top eigenvalue, as a share of its peak so far",
    "Cohen and others 2021; as a closing: ours",
    answer,
)
