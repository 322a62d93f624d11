"""Growth of the Fisher trace in the latest epochs."""

from __future__ import annotations

import numpy as np

from critlab.bench.records import Records
from critlab.bench.rules.rule import BenchRule


def answer(records: Records) -> float:
    """Growth of the logarithm over the latest three epochs for each epoch; 0 at the beginning."""
    seen = np.log(records.signals["fisher"].sum(1)[-4:])
    return float((seen[-1] - seen[0]) / max(len(seen) - 1, 1))


RULE = BenchRule("Growth of the Fisher trace in the latest epochs", "Achille, Rovere and Soatto 2019", answer)
