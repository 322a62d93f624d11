"""The two windows that the contrast ``timing`` compares: their places, learning rates, and lost time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from critlab.study.runs.recipe import epoch_rate
from critlab.study.runs.run import Run
from critlab.study.schedules import EpochRate
from critlab.study.sweeps import Sweep
from critlab.study.types import Place

if TYPE_CHECKING:
    from critlab.study.study import Setup


def timing_points(sweep: Sweep) -> tuple[Place, Place] | None:
    """The first and the last onset of windows of equal length; None where the sweep has no two such."""
    tested = [at for at in sweep.treated if sweep.tested(at)]
    if len(tested) < 2:
        return None
    first, last = sweep.window(tested[0]), sweep.window(tested[-1])
    equal = first.stop - first.start == last.stop - last.start
    return (tested[0], tested[-1]) if equal and first != last else None


def loses_time_alike(sweep: Sweep, points: tuple[Place, Place]) -> bool:
    """Whether the runs with the two windows are equally long.

    Then both train for equally many epochs outside their window. Else the shorter run loses a larger part of its
    training, which costs more wherever a learning curve flattens, whatever the deficit does.
    """
    first, last = points
    return sweep.run_epochs(first) == sweep.run_epochs(last)


def rates_in_window(base: Setup, run: Run) -> tuple[EpochRate, ...]:
    """The learning rates of each epoch in the window of ``run``, on its own clock."""
    return tuple(epoch_rate(base, run, epoch) for epoch in range(run.window.start, run.window.stop))


def equal_rates(one: Sequence[EpochRate], other: Sequence[EpochRate]) -> bool:
    """Whether two stretches of training have the same learning rates, up to rounding."""
    equal = (math.isclose(a.lr, b.lr) and a.course == b.course for a, b in zip(one, other, strict=False))
    return len(one) == len(other) and all(equal)
