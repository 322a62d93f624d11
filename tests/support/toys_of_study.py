"""A sweep and a clock of a user's own, as another package would write them."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from critlab.study.ingredients.window import Window
from critlab.study.optimizers.spec import OptimizerSpec
from critlab.study.schedules import EpochPosition, Schedule
from critlab.study.sweeps import RemovalSweep, Sweep
from critlab.study.sweeps.sweep import SweepWords, crossing
from critlab.study.types import Place


class Doubling(Sweep):
    """Windows of 1, 2, 4, ... epochs from the start."""

    words: ClassVar[SweepWords] = RemovalSweep.words._replace(axis="Length of the deficit", point="length")
    lengths: tuple[int, ...] = (1, 2)

    @property
    def points(self) -> tuple[Place, ...]:
        """Lengths."""
        return self.lengths

    def window(self, at: Place) -> Window:
        """From the start."""
        return Window(0, int(at))

    @property
    def shortest(self) -> int:
        """Epochs of the shortest run."""
        return self.run_epochs(self.lengths[0])

    def question(self, deficit: str, model: str, data: str) -> str:
        """What the study asks."""
        return f"How long may {deficit} last in {model} on {data}"

    def panel_title(self, at: Place) -> str:
        """The length."""
        return f"{at} epochs"

    def half_maximum(self, at: NDArray[np.float64], means: NDArray[np.float64]) -> NDArray[np.float64]:
        """As of a removal sweep."""
        found: NDArray[np.float64] = crossing(at, means, "up")
        return found

    def open_reason(self, at: NDArray[np.float64], means: NDArray[np.float64], closing: float) -> str:
        """Never open."""
        return ""


class Halving(Schedule):
    """Half of the rate in every second epoch."""

    name = "halving"
    label = "halving"
    phrase = "a halving learning rate"

    def learning_rate(self, optimizer: OptimizerSpec, at: EpochPosition) -> float:
        """Half of ``lr`` in odd epochs."""
        return float(optimizer.lr * np.power(0.5, at.epoch % 2))
