"""CriticalFL: the mean gradient norm of ten rounds grows by more than 1 %."""

from __future__ import annotations

import numpy as np

from critlab.bench.answers import Answer
from critlab.bench.records import Records
from critlab.bench.rules.rule import BenchRule

WINDOW, THRESHOLD, FIRST = 10, 0.01, 5
"""Rounds of a mean, the growth above which the period is critical, and rounds that always are."""

MOST = 10.0
"""The largest growth that is reported: the first norm grows from almost nothing."""


def answer(records: Records) -> Answer:
    """Critical in the first five rounds, and while the windowed norm grows by more than the threshold.

    A round is an epoch, with one client. A norm is the learning rate times the squared gradients of a round, summed
    over its steps; the window begins with zeros, as in the authors' code.
    """
    rates, squares = records.signals["rate"][:-1], records.signals["gradient_squares"][1:]
    norms = np.concatenate([np.zeros(WINDOW + 2), rates * squares])
    before, now = max(float(norms[-WINDOW - 1 : -1].mean()), 1e-7), float(norms[-WINDOW:].mean())
    grown = (now - before) / before
    critical = records.epoch <= FIRST or grown > THRESHOLD
    return Answer(min(grown, MOST), "open" if critical else "closed")


RULE = BenchRule(
    "CriticalFL: the mean gradient norm of ten rounds grows by more than 1 %",
    "Yan, Wang, Yuan and Li 2023 (KDD), as in their code",
    answer,
)
