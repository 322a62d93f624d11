"""A metric by the time at which a switch was flipped and by seed, with cells that are not known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from critlab.analysis.statistics.summary import Floats

Goal = Literal["max", "min"]

Cell = tuple[int, int]
"""A time and a seed."""


@dataclass(frozen=True, eq=False)
class TimingTable:
    """Results paired by seed: all times of a seed share its training up to the switch.

    Args:
        times: of the switch, whole epochs, increasing; also candidates that no seed has.
        seeds: without repeats.
        values: of the metric, in its own unit, ``(times, seeds)``; NaN where a cell is not known.
        never: the time that stands for a switch that is never flipped, the length of training; None where no run is
            such a one.

    Raises:
        ValueError: shapes do not fit, times do not increase, a seed repeats, a value is infinite, or ``never`` is not
            the last time.
    """

    times: tuple[int, ...]
    seeds: tuple[int, ...]
    values: Floats
    never: int | None = None

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.times), len(self.seeds)):
            raise ValueError(f"values: received shape {self.values.shape}; must be (times, seeds)")
        if not self.times or list(self.times) != sorted(set(self.times)):
            raise ValueError(f"times: received {self.times}; must be one or more, increasing")
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"seeds: received {self.seeds}; must have no repeats")
        if np.isinf(self.values).any():
            raise ValueError("values: received an infinite value; must be finite, or NaN where a cell is not known")
        if self.never is not None and self.never != self.times[-1]:
            raise ValueError(f"never: received {self.never}; must be the last time, {self.times[-1]}")

    @classmethod
    def of(cls, cells: Mapping[Cell, float], candidates: Iterable[int] = (), never: int | None = None) -> TimingTable:
        """The table of known cells, with rows for further candidates.

        Args:
            cells: values by time and seed.
            candidates: times that need no cell.
            never: as in the class; it gets a row.
        """
        times = sorted({*candidates, *(time for time, _ in cells), *([] if never is None else [never])})
        seeds = list(dict.fromkeys(seed for _, seed in cells))
        values = np.full((len(times), len(seeds)), np.nan)
        for (time, seed), value in cells.items():
            values[times.index(time), seeds.index(seed)] = value
        return cls(tuple(times), tuple(seeds), values, never)

    @property
    def known(self) -> Floats:
        """Seeds that each time has, ``(times,)``."""
        counted: Floats = (~np.isnan(self.values)).sum(1).astype(float)
        return counted

    def rising(self, goal: Goal) -> Floats:
        """The values with the sign for which more is better."""
        return self.values if goal == "max" else -self.values
