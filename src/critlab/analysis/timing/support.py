"""Whether a table can compare times at all: enough seeds that share times, and scores that have a spread."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from critlab.analysis.statistics.summary import MINIMUM_SEEDS, RESOLUTION, Floats
from critlab.analysis.timing.comparisons import Bools

Reason = Literal["", "few_seeds", "few_pairs", "equal_seeds"]
"""Why no time can be compared: fewer than three seeds; fewer than three that share times; or all seeds of a time have
the same score, as repeats of one deterministic training have."""


class Support(NamedTuple):
    """What a table of ``T`` times can compare.

    Args:
        reason: why nothing; empty where times can be compared.
        compared: whether the time has runs of seeds that link it to the others, ``(T,)``.
    """

    reason: Reason
    compared: Bools


def table_support(values: Floats, rounding: float = 0.0) -> Support:
    """What ``values`` ``(times, seeds)`` can compare; NaN where a cell is not known.

    A seed compares the times that it has. One or two seeds give no spread that a decision can rest on
    (:data:`~critlab.analysis.statistics.summary.MINIMUM_SEEDS`). Without a spread, every limit would be that of the
    smallest noise that is assumed.

    Args:
        values: at least one is known.
        rounding: the least standard deviation of a run. Where it is above 0, equal scores are explained by rounding.
    """
    known = ~np.isnan(values)
    compared = _linked(known)
    chosen = known[compared]
    pairs = chosen.sum(0) > 1
    seeds = int(pairs.sum())
    freedom = int(chosen[:, pairs].sum()) - (int(compared.sum()) - 1) - seeds
    if int(known.any(0).sum()) < MINIMUM_SEEDS:
        return Support("few_seeds", compared)
    if seeds < MINIMUM_SEEDS or freedom < MINIMUM_SEEDS - 1:
        return Support("few_pairs", compared)
    return Support("equal_seeds" if not rounding and _are_copies(values[compared]) else "", compared)


def _linked(known: Bools) -> Bools:
    """The times of the largest group in which seeds link every time to every other one, by the number of its runs."""
    links = known.astype(int) @ known.T.astype(int) > 0
    for _ in range(max(len(links) - 1, 1).bit_length()):
        links = links.astype(int) @ links.astype(int) > 0
    found: Bools = links[int((links @ known.sum(1)).argmax())]
    return found


def _are_copies(values: Floats) -> bool:
    """Whether all seeds of each time have the same score."""
    spread = np.nanmax(values, axis=1) - np.nanmin(values, axis=1)
    return bool((spread <= RESOLUTION * np.nanmax(np.abs(values))).all())
