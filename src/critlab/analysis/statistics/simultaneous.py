"""Adjustments for looking at several contrasts at once, valid under any dependence between them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from critlab.analysis.statistics.summary import Floats


def holm(p: ArrayLike) -> Floats:
    """Holm's step-down adjusted p values along the last axis.

    With ``p(1) <= ... <= p(m)`` the i-th is ``max over j <= i of min(1, (m - j + 1) p(j))``. Rejecting where
    the adjusted value is at most a level keeps the chance of any false rejection at that level under any
    dependence, so also for points that share their controls. Source: Holm 1979, Scand. J. Statist. 6, 65.
    """
    p = np.asarray(p, float)
    order = np.argsort(p, axis=-1)
    steps = np.arange(p.shape[-1], 0, -1)
    ordered = np.minimum(np.take_along_axis(p, order, -1) * steps, 1.0)
    adjusted = np.empty_like(ordered)
    np.put_along_axis(adjusted, order, np.maximum.accumulate(ordered, axis=-1), -1)
    return adjusted


def simultaneous_level(level: float, contrasts: int) -> float:
    """The one-sided level at which each of ``contrasts`` is judged so that all hold at once at ``level``.

    ``level / contrasts`` (Bonferroni). The largest of several t values exceeds its quantile with at most this
    probability under any dependence, so contrasts may share runs, test images and a pooled variance. It is also the
    first step of Holm's adjustment: an interval at this level reaches the smallest damage of interest exactly where
    the largest contrast's adjusted p value reaches ``level``. For five contrasts that share one clean run and have
    equal variances, Dunnett's exact quantile would be a tenth smaller; with unequal variances it does not hold.
    """
    return level / max(contrasts, 1)
