"""How many training examples of each class a study sees, as far as that is known without reading its data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from critlab.data.folder import data_folder

if TYPE_CHECKING:
    from critlab.data.spec import DataSpec


@dataclass(frozen=True)
class ClassCounts:
    """Training examples by the name of their class, in the order of the class numbers; at least two classes."""

    counts: Mapping[str, int]

    @property
    def fewest(self) -> str:
        """The name of the smallest class; of several, the first."""
        return min(self.counts, key=lambda name: self.counts[name])

    @property
    def most(self) -> str:
        """The name of the largest class; of several, the first."""
        return max(self.counts, key=lambda name: self.counts[name])

    @property
    def imbalance(self) -> float:
        """How many times as many examples the largest class has as the smallest; infinite where that has none."""
        least = self.counts[self.fewest]
        return self.counts[self.most] / least if least else float("inf")


def class_counts(spec: DataSpec, folder: Path | None = None) -> ClassCounts | None:
    """The classes that a study sees, after ``train`` has chosen a class-balanced part of them.

    Args:
        spec: which data, and how much of them.
        folder: as in :func:`critlab.data.load`.

    Returns:
        None where only reading all data shows it, as with a user's function, or there are not two classes.

    Raises:
        DataError: the files are missing or damaged.
    """
    known = None if spec.options is None else spec.options.class_counts(data_folder(folder))
    if known is None or len(known) < 2:
        return None
    if spec.train is not None and spec.train < sum(known.values()):
        from critlab.data.subset import even_shares

        known = dict(zip(known, even_shares([*known.values()], spec.train), strict=True))
    return ClassCounts(known)
