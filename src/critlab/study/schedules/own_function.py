"""A schedule that a user's own function gives."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from critlab._core.errors import CritlabError, StudyError
from critlab._core.loading.imports import imported, one_line
from critlab._core.problems import shown
from critlab._core.spec import plain_numbers
from critlab.study.schedules.course import EpochRate, of_factors
from critlab.study.schedules.schedule import EpochPosition, Reach, Schedule
from critlab.study.schedules.stepwise import BeginsAgain

if TYPE_CHECKING:
    from critlab.study.optimizers.spec import OptimizerSpec

MOST_FACTOR = 1e30
"""As :data:`critlab.study.types.MOST_RATE`, which imports nothing from here."""


class OwnFunction(Schedule):
    """``lr * function(epoch, step, total)`` in every step, with a user's own ``"package.module:function"``.

    ``epoch`` counts the epochs and ``step`` the steps of the optimiser that were taken before, both from 0; ``total``
    is the number of steps of the run, so that ``step / total`` is the part of training that is done. The function is
    called where a study is expanded, never in training. A recipe holds the factors that it gave, so results are named
    by these and not by its code.
    """

    name = "function"
    label = "not restarted"
    phrase = "the schedule not restarted"
    restarted = "function_restart"
    options = ("function",)
    required = ("function",)
    refuses_decay = True
    drawn = True
    over_the_run = True

    def learning_rate(self, optimizer: OptimizerSpec, at: EpochPosition) -> float:
        """The mean learning rate of one epoch."""
        return self.rates(optimizer, at).mean

    def rates(self, optimizer: OptimizerSpec, at: EpochPosition) -> EpochRate:
        """The learning rates of one epoch.

        Raises:
            StudyError: the function cannot be imported, fails, or gives no factor.
        """
        if self.restarts:
            at = at.since_stop()
        try:
            return of_factors(_factors(optimizer.function or "", at.epoch, at.total, at.steps), optimizer.lr)
        except StudyError as error:
            raise StudyError(f"optimizer.function: {error}") from error.__cause__

    def misfits(self, optimizer: OptimizerSpec, reach: Reach) -> Iterator[tuple[str, str]]:
        """An unknown number of steps, or a function that fails or draws.

        It is called for the first and the last epoch of the longest run, and for the first one twice.
        """
        if not reach.steps:
            text = f"received {shown(optimizer.function)}, which needs the number of steps before the data are read"
            yield "function", f"{text}; give epoch, the images of an epoch, in [data]"
            return
        path = optimizer.function or ""
        try:
            first, _ = (_factors(path, epoch, reach.longest, reach.steps) for epoch in (0, reach.longest - 1))
        except StudyError as error:
            yield "function", str(error)
            return
        if _factors.__wrapped__(path, 0, reach.longest, reach.steps) != first:
            text = f"received {shown(path)}, which gives different factors for the same steps"
            yield "function", f"{text}; make it a function of (epoch, step, total) alone"


class OwnFunctionRestart(BeginsAgain, OwnFunction):
    """As ``function`` until the window closes; then epochs and steps are counted again, over the epochs left."""

    name = "function_restart"
    restarted = "function_restart"
    detail = "own function"
    lasting = "function"
    clean = "function"


@cache
def _factors(path: str, epoch: int, total: int, steps: int) -> tuple[float, ...]:
    """What the function gives for each step of one epoch."""
    function = _function(path)
    return tuple(_factor(function, path, epoch, epoch * steps + step, total * steps) for step in range(steps))


def _function(path: str) -> Callable[[int, int, int], Any]:
    found = imported(path)
    if not callable(found) or isinstance(found, type):
        raise StudyError(f"{shown(path)} is {type(found).__name__}; must be a function (epoch, step, total)")
    return found  # type: ignore[no-any-return]  # all that callable() checks


def _factor(function: Callable[[int, int, int], Any], path: str, epoch: int, step: int, total: int) -> float:
    try:
        factor = plain_numbers(function(epoch, step, total))
    except CritlabError:
        raise
    except Exception as error:
        raise StudyError(f"{shown(path)} failed at epoch {epoch}, step {step}: {one_line(error)}") from error
    number = isinstance(factor, int | float) and not isinstance(factor, bool)
    if not number or not math.isfinite(factor) or not 0 <= factor <= MOST_FACTOR:
        raise StudyError(
            f"{shown(path)} returned {shown(factor)} at epoch {epoch}, step {step} of {total}; must be a factor of lr, "
            f"from 0 to {MOST_FACTOR:g}"
        )
    return float(factor)
