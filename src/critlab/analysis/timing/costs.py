"""What a training costs by the time of its switch, and the cheapest time that is as good as the best."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from critlab._core.problems import shown
from critlab._core.spec import plain_numbers
from critlab._core.user_code.values import is_real
from critlab.analysis.timing.answer import Timing
from critlab.analysis.timing.table import Cell

Cost = Callable[[int, bool], float]
"""From an epoch, and whether the switch is on in it, to what the epoch costs."""


@dataclass(frozen=True)
class Costs:
    """Costs of whole trainings, in the unit of the user's cost function.

    Args:
        by_time: of one training, by the time of its switch.
        spent: what the trained cells cost together, shared epochs once.
        reruns: what full reruns of every tried time with every used seed cost.
    """

    by_time: Mapping[int, float]
    spent: float
    reruns: float

    def share(self, time: int, reference: int) -> float:
        """What a training with one time costs, as a fraction of another."""
        return self.by_time[time] / self.by_time[reference]


def steps_spent(cells: Iterable[Cell], total: int) -> tuple[int, int]:
    """Epochs of the trunks and forks that give ``cells``, and of full reruns of all their times and seeds."""
    known = list(cells)
    trunks = {seed: max(time for time, other in known if other == seed) for _, seed in known}
    spent = sum(trunks.values()) + sum(total - time for time, _ in known)
    return spent, total * len({time for time, _ in known}) * len(trunks)


def switch_costs(cells: Iterable[Cell], total: int, cost: Cost, before: bool) -> Costs:
    """What ``cells`` cost under ``cost``.

    Args:
        cells: the trained times and seeds.
        total: epochs of one training.
        cost: of one epoch.
        before: whether the switch is on before its time.

    Raises:
        ValueError: a cost is no number or negative, or all of them are 0.
    """
    known = list(cells)
    early, late = ([cost_of(cost(epoch, on)) for epoch in range(total)] for on in (before, not before))
    if not sum(early) * sum(late) > 0:
        raise ValueError("cost: received no cost at all; must be above 0 for some epochs")
    trunk = [sum(early[:time]) for time in range(total + 1)]
    fork = [sum(late[time:]) for time in range(total + 1)]
    times = sorted({time for time, _ in known})
    by_time = {time: trunk[time] + fork[time] for time in times}
    last = {seed: max(time for time, other in known if other == seed) for _, seed in known}
    spent = sum(trunk[time] for time in last.values()) + sum(fork[time] for time, _ in known)
    return Costs(by_time, spent, len(last) * sum(by_time.values()))


def cost_of(given: Any) -> float:
    """What a cost function returned, as a number.

    Raises:
        ValueError: it is no finite number, or below 0.
    """
    cost = plain_numbers(given)
    if not is_real(cost):
        raise ValueError(f"cost: returned {shown(cost)}; must be a finite number")
    if cost < 0:
        raise ValueError(f"cost: received a cost below 0, {cost:g}; must be at least 0")
    return float(cost)


def cheapest(timing: Timing, costs: Costs) -> int | None:
    """The time of least cost on the plateau, its further stretches included; of equal ones the best, else earliest.

    None where no plateau is found.
    """
    near = [time for time in costs.by_time if timing.on_plateau(time)]
    return min(near, key=lambda time: (costs.by_time[time], time != timing.best.epoch, time), default=None)
