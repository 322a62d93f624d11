"""When a fork is worth its cost: at log-spaced epochs, or once the weights move half as fast as at the last fork."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from critlab.hooks.watch.records.record import Record

GROWTH = 2.0
"""Smallest factor from the epoch of one fork to that of the next, unless the weights became slower."""

SLOWER = 0.5
"""Share of the weights' speed at the last fork below which another one is due earlier."""


@dataclass
class Schedule:
    """The last fork, and when the next one is due.

    Args:
        last: the epoch of the last fork; None before the first.
        speed: of the weights then, in distance per step; None where it was not known.
        growth: factor from the epoch of one fork to that of the next, at the latest.
    """

    last: int | None = None
    speed: float | None = None
    growth: float = GROWTH

    def due(self, epoch: int, speed: float | None) -> bool:
        """Whether a fork is worth its cost now.

        Args:
            epoch: epochs trained.
            speed: of the weights, in distance per step; None where it is not known.
        """
        if self.last is None:
            return True
        if epoch <= self.last:
            return False
        slower = speed is not None and self.speed is not None and speed <= SLOWER * self.speed
        return slower or epoch >= max(self.last + 1, math.floor(self.growth * self.last))

    def forked(self, epoch: int, speed: float | None) -> None:
        """A fork was made."""
        self.last, self.speed = epoch, speed

    def state(self) -> dict[str, Any]:
        """What :meth:`load` takes."""
        return {"last": self.last, "speed": self.speed}

    def load(self, state: Mapping[str, Any]) -> None:
        """Goes on from a state."""
        self.last, self.speed = state["last"], state["speed"]


def growth_for(series: int, total: int) -> float:
    """The factor with which so many forks reach the middle of a training; at least :data:`GROWTH`.

    Args:
        series: that the budget allows.
        total: epochs of the training.
    """
    return max(GROWTH, math.pow(total / 2, 1 / max(1, series - 1)))


def weight_speed(history: Sequence[Record]) -> float | None:
    """How fast the weights moved between the last two records, in distance per step; None where it is not known."""
    known = [(one.step, one.path) for one in history if one.path is not None and math.isfinite(one.path)]
    if len(known) < 2:
        return None
    (before, way), (now, further) = known[-2:]
    return (further - way) / (now - before) if now > before else None
