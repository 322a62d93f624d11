"""Which runs each contrast is made of: what is expected of its variance, and how contrasts go together."""

from __future__ import annotations

from collections.abc import Collection, Sequence
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


def layout_of_sums(sums: Sequence[Sequence[tuple[float, str]]], damaged: Collection[str]) -> Layout:
    """The runs of signed sums, and what is expected of their variances, in the unit of one clean run.

    A clean or frozen run counts as 1 and a damaged one as 2, since damaged networks often differ more between seeds: an
    assumption for pooling variances and for the correlation of the sums only.

    Args:
        sums: of each, a sign and the name of a run each.
        damaged: the names of the runs that count as 2.
    """
    runs = list(dict.fromkeys(name for terms in sums for _, name in terms))
    signs = np.zeros((len(sums), len(runs)))
    for row, terms in enumerate(sums):
        for sign, name in terms:
            signs[row, runs.index(name)] += sign
    return Layout(signs, np.array([2.0 if name in damaged else 1.0 for name in runs]))
