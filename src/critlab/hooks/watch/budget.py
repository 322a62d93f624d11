"""What watching may cost: a ledger of the time spent, and how many examples a look takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import torch

OFTEN, SELDOM = 5, 50
"""Steps between two looks: below the first a look takes more examples, above the second fewer."""

MOST_EXAMPLES = 32
"""Beyond about so many, the signs' cross terms decide the error, and more examples hardly lower it."""

MOST_LOGITS = 2**24
"""Logits of one look, so that a large vocabulary does not fill the memory."""

FEWEST_EXAMPLES = 2
"""Some models drop the axis of examples where there is one; only a large vocabulary asks for fewer."""

HELPS = 0.8
"""Halving the examples is kept where it costs at most this share of what it cost before."""


def clock(device: torch.device) -> Callable[[], float]:
    """Seconds of this process's processor time on a CPU, whatever else the machine does; elsewhere of the wall."""
    return time.process_time if device.type == "cpu" else time.perf_counter


def finish(device: torch.device) -> None:
    """Waits until the device has finished its queue, so that a look's time is its own."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class TimeBudget:
    """Seconds of training and seconds of watching, and whether another look may be taken.

    Args:
        budget: the share of the training's time that watching may take.
        now: the clock.
    """

    def __init__(self, budget: float, now: Callable[[], float]) -> None:
        self.budget, self.now = budget, now
        self.worked = self.spent = 0.0
        self._mark: float | None = None

    def arrive(self) -> None:
        """The training has worked since the watch left; what was before the first arrival counts for nothing."""
        now = self.now()
        self.worked += 0.0 if self._mark is None else now - self._mark
        self._mark = now

    def leave(self) -> float:
        """The watch has worked since it arrived; returns for how long."""
        now = self.now()
        took = 0.0 if self._mark is None else now - self._mark
        self.spent += took
        self._mark = now
        return took

    def skip(self) -> None:
        """What was done since the last call belongs neither to the training nor to the watch, such as forks."""
        self._mark = self.now()

    def state(self) -> dict[str, float]:
        """What :meth:`load` takes."""
        return {"worked": self.worked, "spent": self.spent}

    def load(self, state: Mapping[str, float]) -> None:
        """Goes on from a state."""
        self.worked, self.spent = float(state["worked"]), float(state["spent"])

    def allows(self, cost: float) -> bool:
        """Whether ``cost`` seconds more stay within the budget."""
        return self.spent + cost <= self.budget * self.worked

    def owed(self, cost: float) -> float:
        """Seconds of training until ``cost`` seconds more stay within the budget."""
        return max(0.0, (self.spent + cost) / self.budget - self.worked)

    @property
    def share(self) -> float:
        """Seconds of watching per second of training so far."""
        return self.spent / self.worked if self.worked > 0 else 0.0


class Size:
    """How many examples a look takes: more where looks are cheap, fewer where they are far between.

    Args:
        start: at first.
        most: at most, such as all examples there are.
    """

    def __init__(self, start: int, most: int) -> None:
        self.most = max(1, min(most, MOST_EXAMPLES))
        self.least = min(self.most, FEWEST_EXAMPLES)
        self.examples = min(start, self.most)
        self._costs: dict[int, float] = {}

    def limit(self, logits: int) -> None:
        """No more than fit, with so many logits an example."""
        self.most = max(1, min(self.most, MOST_LOGITS // max(1, logits)))
        self.least = min(self.least, self.most)
        self.examples = min(self.examples, self.most)

    def state(self) -> dict[str, Any]:
        """What :meth:`load` takes."""
        return {"examples": self.examples, "most": self.most, "costs": {str(n): s for n, s in self._costs.items()}}

    def load(self, state: Mapping[str, Any]) -> None:
        """Goes on from a state."""
        self.most = max(1, min(self.most, int(state["most"])))
        self.least = min(self.least, self.most)
        self.examples = max(1, min(self.most, int(state["examples"])))
        self._costs = {int(number): float(seconds) for number, seconds in state["costs"].items()}

    def cost(self) -> float:
        """What a look takes, in seconds, as far as is known."""
        known = self._costs.get(self.examples)
        return known if known is not None else max(self._costs.values(), default=0.0)

    def learn(self, seconds: float, step_seconds: float, budget: float) -> None:
        """A look of this size took so long; the next may be of another.

        Args:
            seconds: of the look.
            step_seconds: of one step of training.
            budget: the share of it that watching may take.
        """
        before = self._costs.get(self.examples, seconds)
        self._costs[self.examples] = cost = 0.7 * before + 0.3 * seconds
        interval = cost / max(budget * step_seconds, 1e-12)
        half, double = self.examples // 2, self.examples * 2
        if interval > SELDOM and half >= self.least and self._costs.get(half, 0.0) <= HELPS * cost:
            self.examples = half
        elif interval < OFTEN and double <= self.most and interval * self._costs.get(double, 0.0) <= SELDOM / 2 * cost:
            self.examples = double
