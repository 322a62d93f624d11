"""What trunks and forks take, against a count of every different epoch."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from critlab.analysis.timing.costs import steps_spent, switch_costs

TOTAL = 6
CELLS = st.sets(st.tuples(st.integers(0, TOTAL), st.integers(0, 2)), min_size=1)


def epochs(cells: set[tuple[int, int]]) -> set[tuple[int, tuple[bool, ...]]]:
    """Every different epoch: the seed, and the switch in this epoch and in all before it."""
    runs = [(seed, tuple(epoch >= time for epoch in range(TOTAL))) for time, seed in cells]
    return {(seed, run[: epoch + 1]) for seed, run in runs for epoch in range(TOTAL)}


@given(CELLS)
def test_shared_epochs_count_once(cells: set[tuple[int, int]]) -> None:
    spent, reruns = steps_spent(cells, TOTAL)
    assert spent == len(epochs(cells))
    times, seeds = {time for time, _ in cells}, {seed for _, seed in cells}
    assert reruns == TOTAL * len(times) * len(seeds)


@given(CELLS, st.booleans())
def test_costs_are_those_of_the_same_epochs(cells: set[tuple[int, int]], before: bool) -> None:
    def cost(epoch: int, on: bool) -> float:
        return 1.0 + epoch + (10.0 if on else 0.0)

    found = switch_costs(cells, TOTAL, cost, before)
    counted = [cost(len(run) - 1, run[-1] != before) for _, run in epochs(cells)]
    assert found.spent == pytest.approx(sum(counted))
    for time in found.by_time:
        whole = sum(cost(epoch, (epoch >= time) != before) for epoch in range(TOTAL))
        assert found.by_time[time] == pytest.approx(whole)
