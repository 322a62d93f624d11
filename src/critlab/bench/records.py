"""What a rule is shown: the clean training so far, and forks of its present state, whose cost is counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from critlab._core.errors import StudyError
from critlab._core.problems import nearest, shown
from critlab.bench.trainings import SIGNALS, BenchTraining

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Records:
    """A training as its user knows it after some epochs: of one seed, with forks repeated over others.

    Args:
        epoch: epochs trained so far.
        total: epochs that the training will have.
        deficits: those to answer for.
        signals: from a name of :data:`~critlab.bench.trainings.SIGNALS` to values after 0, 1, ... ``epoch`` epochs,
            ``(epoch + 1,)``, and ``fisher`` ``(epoch + 1, layers)``; NaN where there was no epoch to read it in.
            ``rate`` is the learning rate of the epoch that comes after each, as a share of the largest.
        planned: the schedule, which is fixed before the training: the rate of each of the ``total`` epochs.
    """

    epoch: int
    total: int
    deficits: tuple[str, ...]
    signals: Mapping[str, Floats]
    planned: Floats
    _training: BenchTraining = field(repr=False)
    _seeds: tuple[int, ...] = field(repr=False)
    _forked: dict[tuple[str, int], int] = field(default_factory=dict, repr=False)

    def fork(self, deficit: str, deprived: int = 4, clean: int = 1) -> Floats:
        """Damage that forks show, ``(repeats, clean)``: after 1, 2, ... clean epochs, as a fraction of test accuracy.

        A fork gets the deficit for some epochs and then trains cleanly; its clean twin has the same data in the same
        order. Every fork that a rule looks at is counted as its cost.

        Args:
            deficit: one of ``deficits``.
            deprived: epochs with the deficit: 1, 2 or 4.
            clean: epochs after it, 1 to 3.

        Raises:
            StudyError: there is no such fork.
        """
        if deficit not in self.deficits:
            raise StudyError(f"fork: deficit: received {shown(deficit)}{nearest(str(deficit), self.deficits)}")
        lengths, most = self._training.lengths, int(self._training.facts["clean"])
        if deprived not in lengths:
            raise StudyError(f"fork: deprived: received {deprived!r}; must be one of {', '.join(map(str, lengths))}")
        if clean not in range(1, most + 1):
            raise StudyError(f"fork: clean: received {clean!r}; must be from 1 to {most}")
        known = self._forked.get((deficit, deprived), 0)
        self._forked[deficit, deprived] = max(clean, known)
        found = self._training.fork(self.epoch, deficit, deprived)[:clean, list(self._seeds)].T
        return np.ascontiguousarray(found)

    @property
    def spent(self) -> float:
        """Epochs that the forks cost, for each deficit; their clean twins are counted as the training itself."""
        epochs = sum(deprived + clean for (_, deprived), clean in self._forked.items())
        return epochs * len(self._seeds) / len(self.deficits)


def records(training: BenchTraining, onset: int, seeds: Sequence[int]) -> Records:
    """What a rule is shown at an onset.

    Args:
        training: of the bench.
        onset: epochs trained so far.
        seeds: the first is that of the training; forks of all are repeats.
    """
    signals = {name: _so_far(training.arrays[name][:, seeds[0]], onset) for name in SIGNALS}
    signals["rate"] = _so_far(training.rates, onset)
    planned = _so_far(training.rates, training.length)
    return Records(
        onset, training.length, training.deficits, MappingProxyType(signals), planned, training, tuple(seeds)
    )


def _so_far(values: NDArray[np.floating], onset: int) -> Floats:
    """A copy of the first values that cannot be written: nothing later can be reached through it."""
    found = np.array(values[: onset + 1], dtype=np.float64)
    found.flags.writeable = False
    return found
