"""Groups of examples with like labels, for subsets and splits that keep their proportions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from critlab.data.label_checks import checked_values
from critlab.deficits.target_form import TargetForm

BINS = 10
"""Into so many groups of equal size numbers are divided."""

_COUNTED = 2**16
"""Up to this class number counting is faster than sorting."""


def strata(labels: NDArray[Any], targets: TargetForm) -> NDArray[np.int64]:
    """The group of each example, int64 ``(N,)``.

    Class numbers: the label of the first head; -1 is a group of its own. Rows of zeros and ones: the rarest label that
    is 1, or one group for none. Numbers: tenths of the first output. Label images: the rarest class in the image.

    Args:
        labels: ``(N, ...)``, checked.
        targets: what they are.
    """
    if targets.kind == "real":
        first = labels if labels.ndim == 1 else labels[:, 0]
        order = np.argsort(first, kind="stable")
        found = np.empty(len(first), dtype=np.int64)
        bins = max(1, min(BINS, len(first) // 2))
        found[order] = np.arange(len(first)) * bins // max(len(first), 1)
        return found
    if targets.kind == "multi_hot":
        return _rarest(labels == 1)
    if targets.kind == "pixels":
        seen = [classes_in(image, targets) for image in labels]
        present = np.zeros((len(labels), 1 + max((int(one[-1]) for one in seen if one.size), default=0)), dtype=bool)
        for place, classes in enumerate(seen):
            present[place, classes] = True
        return _rarest(present)
    first = labels if labels.ndim == 1 else labels[:, 0]
    return np.asarray(first, dtype=np.int64)


def split_groups(labels: NDArray[Any], targets: TargetForm, where: str) -> list[int]:
    """As :func:`strata`, for a split, which needs two of each group: groups of one example are put together.

    Classes stay what they are, so that a class of one example is refused.

    Args:
        labels: as they were read.
        targets: what they must be.
        where: how a person knows them.

    Raises:
        DataError: they are something else.
    """
    found = strata(checked_values(labels, where, targets), targets)
    if targets.kind in ("classes", "next_token"):
        return [int(one) for one in found]
    groups, place, count = np.unique(found, return_inverse=True, return_counts=True)
    alone = count == 1
    # those that are alone join the largest group where they are too few for one of their own
    joined = np.where(alone, -1 if alone.sum() > 1 else groups[count.argmax()], groups)
    return [int(one) for one in joined[place]]


def classes_in(image: NDArray[Any], targets: TargetForm) -> NDArray[np.int64]:
    """The classes of the pixels of ``image``, of any shape, in increasing order; int64 ``(classes,)``."""
    counted = np.asarray(image)[(image != targets.ignored) & (image >= 0)]
    if counted.size and counted.max() < _COUNTED:
        return np.flatnonzero(np.bincount(counted)).astype(np.int64)
    return np.unique(counted).astype(np.int64)


def _rarest(present: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Of the columns that are true, the one that is true least often, the first of equal ones; after all, none."""
    order = np.argsort(present.sum(0), kind="stable")
    sorted_columns = present[:, order]
    found = order[sorted_columns.argmax(1)]
    rarest: NDArray[np.int64] = np.where(present.any(1), found, present.shape[1]).astype(np.int64)
    return rarest
