"""Forecast of critlab.sensitivity from forks of 4 + 3 epochs."""

from __future__ import annotations

from critlab.bench.answers import Answer
from critlab.bench.forecasting import forecasts
from critlab.bench.records import Records
from critlab.bench.rules.rule import BenchRule


def answer(records: Records) -> dict[str, Answer]:
    """The forecast damage with its interval; a state where that lies on one side of the smallest damage."""
    return forecasts(records, clean=3)


RULE = BenchRule("Forecast of critlab.sensitivity from forks of 4 + 3 epochs", "ours", answer)
