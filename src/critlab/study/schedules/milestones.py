"""Steps: the learning rate falls by a factor at given epochs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from critlab.study.schedules.course import Phase
from critlab.study.schedules.schedule import Reach
from critlab.study.schedules.stepwise import BeginsAgain, Stepwise, too_long, warm_up

if TYPE_CHECKING:
    from critlab.study.optimizers.spec import OptimizerSpec


class Milestones(Stepwise):
    """``lr * gamma ** k`` after k of the epochs ``milestones``, with a linear warm-up before them.

    As ``torch.optim.lr_scheduler.MultiStepLR`` stepped after every epoch. The warm-up rises in every step.
    """

    name = "step"
    restarted = "step_restart"
    options = ("warmup", "milestones", "gamma")
    required = ("milestones",)
    citation = "He et al. 2016, section 3.4"

    def phases(self, optimizer: OptimizerSpec, total: int) -> tuple[Phase, ...]:
        """The warm-up, and a flat phase after it and after each milestone."""
        assert optimizer.milestones, "required"
        ends = (optimizer.warmup, *optimizer.milestones, max(total, *optimizer.milestones) + 1)
        factors = (optimizer.gamma**place for place in range(len(ends)))
        flat = (Phase(*ends_of, factor, factor) for ends_of, factor in zip(pairwise(ends), factors, strict=False))
        return (*warm_up(optimizer.warmup), *flat)

    def misfits(self, optimizer: OptimizerSpec, reach: Reach) -> Iterator[tuple[str, str]]:
        """A warm-up beyond the first milestone, or a milestone that no run reaches."""
        assert optimizer.milestones, "required"
        first, last = optimizer.milestones[0], optimizer.milestones[-1]
        if optimizer.warmup > first:
            yield "warmup", f"received {optimizer.warmup}; must be at most {first}, the first of milestones"
        else:
            yield from too_long(optimizer, reach)
        if last >= reach.longest:
            text = f"received {last}; must be below {reach.longest}, the number of epochs of the longest run"
            yield "milestones", text


class MilestonesRestart(BeginsAgain, Milestones):
    """As ``step`` until the window closes; then the epochs are counted again from 0."""

    name = "step_restart"
    restarted = "step_restart"
    detail = "steps"
    lasting = "step"
    clean = "step"
