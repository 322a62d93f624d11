"""Class-balanced subsets that are the same for every run."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from critlab.data.strata import strata
from critlab.deficits.target_form import CLASSES, TargetForm


def balanced(labels: NDArray[Any], count: int, targets: TargetForm = CLASSES) -> NDArray[np.int64]:
    """The places of ``count`` examples, as even over the classes as the labels allow, in increasing order.

    Of each class its first examples are taken. What does not divide goes one each to the lowest classes; what
    a small class lacks is shared by the others. Examples that bear no label in the first head (-1) count as
    one more class, after the others.

    Args:
        labels: ``(N,)`` or ``(N, heads)``; with heads, the first one is balanced.
        count: from 0 to N.
        targets: what the labels are; those that are no class numbers are grouped by
            :func:`~critlab.data.strata.strata`.

    Returns:
        int64 ``(count,)``.
    """
    first = strata(labels, targets)
    classes = np.unique(first)
    classes = np.concatenate([classes[classes >= 0], classes[classes < 0]])
    members = [np.flatnonzero(first == label) for label in classes]
    shares = even_shares([len(places) for places in members], count)
    chosen = [places[:share] for places, share in zip(members, shares, strict=True)]
    return np.sort(np.concatenate(chosen)).astype(np.int64)


def even_shares(available: list[int], count: int) -> list[int]:
    """How many to take of each class: never more than is available, ``count`` in all, as even as possible."""
    there = np.array(available, dtype=np.int64)
    taken = np.zeros_like(there)
    while (missing := count - int(taken.sum())) > 0:
        spare = np.flatnonzero(taken < there)
        share = missing // len(spare)
        if share == 0:
            taken[spare[:missing]] += 1
        else:
            taken[spare] = np.minimum(taken[spare] + share, there[spare])
    return [int(number) for number in taken]
