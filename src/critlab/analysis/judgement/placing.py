"""Where a further point of a sweep narrows its closing most."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from critlab.analysis.statistics.summary import Floats


def further_point(at: Sequence[int], draws: Floats) -> int | None:
    """The whole epoch at which a further point narrows the closing most; None where no point helps.

    Ours. Between two neighbouring points the closing is known by interpolation only, so an interval of the sweep
    contributes to the uncertainty its length times the probability that the closing lies in it. The interval with the
    largest product is halved, at a whole epoch; of equal ones the first. Intervals of one epoch cannot be halved, and
    a closing beyond the last point lies in none.

    Args:
        at: points of the sweep, epochs, increasing.
        draws: of the closing's epoch, any shape; those that are not finite lie beyond the sweep.
    """
    epochs = np.ravel(draws)
    best, largest = None, 0.0
    for start, stop in pairwise(at):
        # the last point belongs to the last interval
        inside = (epochs >= start) & ((epochs < stop) | ((stop == at[-1]) & (epochs == stop)))
        uncertainty = float(inside.mean()) * (stop - start) if epochs.size and stop - start > 1 else 0.0
        if uncertainty > largest:
            best, largest = (start + stop) // 2, uncertainty
    return best


def known_within(at: Sequence[int], low: float, high: float) -> float:
    """How many epochs the closing is uncertain by, given the limits of its interval.

    The width of the interval, or the longest distance between neighbouring points that it touches where that is larger:
    an interval over seeds does not show what happens between two points.
    """
    gaps = [stop - start for start, stop in pairwise(at) if start < high and stop > low]
    return max(high - low, *gaps, 0.0)
