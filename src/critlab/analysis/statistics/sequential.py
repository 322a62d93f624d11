"""Levels for judging a study several times while seeds are added."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from critlab.analysis.statistics.summary import LEVEL, Floats

NODES = 96
"""Gauss-Legendre nodes on which the density of the sum over seeds is followed from look to look."""


def overall_level(ns: Sequence[int], levels: Sequence[float]) -> float:
    """Probability that a true null is rejected at some look, one-sided.

    A look at ``ns[k]`` seeds rejects where its p value is below ``levels[k]``. The sum over seeds is a random walk; its
    density among the paths that have not yet crossed is carried from look to look (Armitage, McPherson and Rowe 1969,
    J. R. Stat. Soc. A 132, 235). Error: below 1e-6 for normal values of known variance; t tests are nearer to
    independent from look to look, so their overall level is a little larger: see ``critlab calibrate``.
    """
    from scipy.special import ndtr, ndtri

    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    crossed, sums, masses, before = 0.0, np.zeros(1), np.ones(1), 0
    for n, level in zip(ns, levels, strict=True):
        step, low, edge = math.sqrt(n - before), -8 * math.sqrt(n), float(-ndtri(level)) * math.sqrt(n)
        crossed += float(masses @ ndtr((sums - edge) / step))
        following = low + (edge - low) * (nodes + 1) / 2
        kernel: Floats = np.exp(-0.5 * ((following[:, None] - sums) / step) ** 2) / (step * math.sqrt(2 * math.pi))
        sums, masses, before = following, (kernel @ masses) * weights * (edge - low) / 2, n
    return crossed


@lru_cache(maxsize=64)
def look_level(ns: tuple[int, ...], level: float = LEVEL) -> float:
    """The constant one-sided level a look that keeps ``level`` over all looks at ``ns`` seeds (Pocock 1977).

    One look has ``level`` itself. Found by bisection of :func:`overall_level`, to 1e-6.
    """
    if len(ns) == 1:
        return level
    low, high = level / len(ns), level
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (low, middle) if overall_level(ns, [middle] * len(ns)) > level else (middle, high)
    return low


def unseen_share(n: int, level: float = LEVEL) -> float:
    """The largest share of failing seeds that ``n`` seeds without a failure do not exclude, a fraction.

    ``1 - level^(1 / n)``: of seeds of which a larger share fails, n show no failure with a probability below ``level``.
    No rule can do better from n seeds. 1 without a seed.
    """
    return 1.0 if n < 1 else 1 - level ** (1 / n)
