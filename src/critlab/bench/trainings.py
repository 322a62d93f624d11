"""The shipped records of the bench: one file of arrays for each training, read without running code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from critlab._core.errors import DataError

Floats = NDArray[np.float64]

RECORDS = Path(__file__).with_name("records")
VERSION = 1
"""Of the bench: scores of other versions cannot be compared."""

SMALLEST = 0.02
"""The smallest damage of interest, as a fraction of test accuracy."""

NULL, FROZEN = "identity", "frozen"
"""The deficit without an effect, in another order of the data; the control that trains nothing in the window."""

SIGNALS = (
    "train_loss",
    "test_loss",
    "test_accuracy",
    "gradient_norm",
    "gradient_squares",
    "fisher",
    "curvature",
    "confusion_min",
    "confusion_mean",
    "confusion_max",
    "displacement",
    "moved",
    "effective_rank",
    "cka_velocity",
    "entropy",
)
"""What was read in the clean training after each epoch; ``fisher`` by layer."""


@dataclass(frozen=True)
class BenchTraining:
    """One training: its facts, and arrays with the seeds in the last axis.

    Args:
        facts: as JSON holds them.
        arrays: signals ``(epochs + 1, seeds)``, ``fisher`` ``(epochs + 1, seeds, layers)``; ``ends`` and ``matched``
            ``(onsets, deficits, 2, seeds)``; ``readings`` ``(onsets, deficits, lengths, clean epochs, 2, seeds)``;
            ``newborn`` ``(2, seeds)``. The axis of 2 is test accuracy and test loss.
    """

    facts: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]

    @property
    def name(self) -> str:
        """``schedule-length-network-data-batch``."""
        return str(self.facts["name"])

    @property
    def held_out(self) -> bool:
        """Whether it may only be seen as scores: a third of the trainings, by a hash of their names."""
        return bool(self.facts["held_out"])

    @property
    def length(self) -> int:
        """Epochs of the training."""
        return int(self.facts["length"])

    @property
    def onsets(self) -> tuple[int, ...]:
        """Epochs at which windows begin."""
        return tuple(self.facts["onsets"])

    @property
    def seeds(self) -> int:
        """How many."""
        return len(self.facts["seeds"])

    @property
    def deficits(self) -> tuple[str, ...]:
        """Those of its data, and the identity."""
        return (*self.facts["deficits"], NULL)

    @property
    def lengths(self) -> tuple[int, ...]:
        """Epochs of the forks' windows; the last is that of the windows whose damage was measured."""
        return tuple(self.facts["deprived"])

    @property
    def rates(self) -> Floats:
        """The learning rate of each epoch, as a share of the largest."""
        rates: Floats = np.array(self.facts["rates"], np.float64)
        shares: Floats = rates / rates.max()
        return shares

    @cached_property
    def clean_end(self) -> Floats:
        """Test accuracy of the clean training, the mean after its last two epochs, ``(seeds,)``."""
        return np.asarray(self.arrays["test_accuracy"][-2:].mean(0), dtype=np.float64)

    def place(self, deficit: str) -> int:
        """The place of a deficit, or of :data:`FROZEN`, in the axis of deficits."""
        return (*self.deficits, FROZEN).index(deficit)

    def lasting(self, deficit: str) -> Floats:
        """Damage at the end of the training, ``(onsets, seeds)``: accuracy of the clean run minus the deprived one.

        Both have the same number of epochs, and the rates of the training.
        """
        return np.asarray(self.clean_end - self.arrays["ends"][:, self.place(deficit), 0], dtype=np.float64)

    def delay(self) -> Floats:
        """Damage of a network that is frozen in the window, ``(onsets, seeds)``."""
        return self.lasting(FROZEN)

    def at_matched_rate(self, deficit: str) -> Floats:
        """Damage with the same rates at every onset, ``(onsets, seeds)``; NaN for the identity, which has no such run.

        The window is at the peak rate and the recovery from the peak down; the clean run has the same rates.
        """
        names = [*self.facts["deficits"], "", FROZEN]
        if deficit not in names:
            return np.full((len(self.onsets), self.seeds), np.nan)
        matched = self.arrays["matched"][:, :, 0].astype(np.float64)
        return np.asarray(matched[:, names.index("")] - matched[:, names.index(deficit)])

    def harm(self, deficit: str) -> Floats:
        """Newborn weights minus those after the window, each after the same recovery from the peak rate."""
        names = [*self.facts["deficits"], "", FROZEN]
        matched = self.arrays["matched"][:, :, 0].astype(np.float64)
        return np.asarray(self.arrays["newborn"][0].astype(np.float64) - matched[:, names.index(deficit)])

    def fork(self, onset: int, deficit: str, deprived: int) -> Floats:
        """Damage after 1, 2, 3 clean epochs of a fork, ``(clean epochs, seeds)``: its clean twin minus the fork."""
        place = self.onsets.index(onset)
        read = self.arrays["readings"][place, self.place(deficit), self.lengths.index(deprived), :, 0]
        first = onset + deprived + 1
        twin = self.arrays["test_accuracy"][first : first + len(read)]
        return np.asarray(twin.astype(np.float64) - read)


def read_training(file: Path) -> BenchTraining:
    """One file of the records.

    Raises:
        DataError: it cannot be read.
    """
    try:
        with np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        facts = json.loads(str(arrays.pop("facts")))
    except (OSError, EOFError, ValueError, KeyError) as error:
        raise DataError(f"bench: {file} cannot be read ({error}); install critlab again") from None
    return BenchTraining(facts, arrays)


def trainings(folder: Path = RECORDS) -> list[BenchTraining]:
    """All trainings of the bench, by name.

    Raises:
        DataError: there are none, or one cannot be read.
    """
    files = sorted(folder.glob("*.npz"))
    if not files:
        raise DataError(f"bench: {folder} holds no records; install critlab again")
    return [read_training(file) for file in files]
