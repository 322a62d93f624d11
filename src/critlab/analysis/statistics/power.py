"""What a study can detect, and how many seeds would decide it."""

from __future__ import annotations

import numpy as np

from critlab.analysis.statistics.summary import LEVEL, POWER, Floats, t_quantile

DRAWS = 4000
MOST_SEEDS = 1000


def detectable(
    stderr: Floats, freedom: Floats, contrasts: Floats | int, smallest: float, level: float = LEVEL
) -> Floats:
    """The true damage of one contrast alone that is called above ``smallest`` with 80 % probability.

    ``smallest + delta stderr``, where delta is the noncentrality with ``P(T(freedom, delta) > t(1 - level / contrasts,
    freedom)) = 0.8``: the first step of Holm's adjustment over ``contrasts``. In the unit of ``smallest`` and the shape
    of ``stderr``; infinite where nothing estimates the error.
    """
    from scipy.special import nctdtrinc

    known = (freedom > 0) & ~np.isnan(stderr)
    held = np.where(known, freedom, 1.0)
    delta = nctdtrinc(held, 1 - POWER, t_quantile(1 - level / contrasts, held))
    return np.where(known, smallest + delta * stderr, np.inf)


def detectable_everywhere(stderr: Floats, freedom: Floats, smallest: float, level: float = LEVEL) -> float:
    """The true damage that, present in every contrast, is called above ``smallest`` somewhere with 80 % probability.

    For one study: ``stderr`` and ``freedom`` are ``(contrasts,)``, and ``level`` is that of each contrast. The
    estimates are taken to share half of their variance, as contrasts with one clean run do; with less in common, less
    damage is enough. Error: 1 % of the excess over ``smallest``, from :data:`DRAWS` draws with a fixed seed.
    """
    known = (freedom > 0) & ~np.isnan(stderr)
    if not known.any():
        return float("inf")
    stderr, freedom = stderr[known], freedom[known]
    random = np.random.default_rng(DRAWS)
    shared = random.standard_normal((DRAWS, 1)) + random.standard_normal((DRAWS, stderr.size))
    spread = np.sqrt(random.chisquare(freedom, (DRAWS, stderr.size)) / freedom)
    # a contrast is called where z + excess / stderr > quantile spread: the excess it needs in this draw
    quantile = t_quantile(1 - level, freedom)
    needed = ((quantile * spread - shared / np.sqrt(2)) * stderr).min(axis=1)
    return float(smallest + max(np.quantile(needed, POWER), 0.0))
