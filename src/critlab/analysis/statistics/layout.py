"""Which runs each contrast is made of: what is expected of its variance, and how contrasts go together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from critlab.analysis.statistics.summary import Floats


@dataclass(frozen=True, eq=False)
class Layout:
    """Contrasts as signed sums of runs.

    Args:
        signs: ``(contrasts, runs)``; 0 where a contrast does not hold a run.
        variances: expected of each run in any common unit, ``(runs,)``.
    """

    signs: Floats
    variances: Floats

    @cached_property
    def variance(self) -> Floats:
        """The expected variance of each contrast, ``(contrasts,)``."""
        found: Floats = self.signs**2 @ self.variances
        return found

    @cached_property
    def mix(self) -> Floats:
        """The expected variance of a run of each contrast: equal where contrasts hold the same kinds of run."""
        found: Floats = self.variance / np.maximum((self.signs**2).sum(-1), 1.0)
        return found

    def correlation(self, members: Sequence[int]) -> Floats:
        """Of the means of some contrasts, if all runs are independent, ``(members, members)``."""
        signs = self.signs[list(members)]
        covariance = (signs * self.variances) @ signs.T
        deviations = np.sqrt(np.diag(covariance))
        found: Floats = covariance / np.outer(deviations, deviations)
        return found


def unrelated(contrasts: int) -> Layout:
    """The layout of contrasts of which nothing is known: two runs each, none of them shared."""
    signs = np.kron(np.eye(contrasts), np.array([1.0, -1.0]))
    return Layout(signs, np.ones(2 * contrasts))
