"""Warm-up and half a cosine over the run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from critlab.study.schedules.course import Phase
from critlab.study.schedules.schedule import Reach
from critlab.study.schedules.stepwise import BeginsAgain, Stepwise, above_the_rate, too_long, warm_up

if TYPE_CHECKING:
    from critlab.study.optimizers.spec import OptimizerSpec


class WarmupCosine(Stepwise):
    """A linear warm-up from 0 to ``lr``, then half a cosine to ``min_lr`` at the end of the run, in every step.

    With t the epochs before a step and T those of the run: ``lr * t / warmup`` in the first ``warmup`` epochs, then
    ``min_lr + (lr - min_lr) * (1 + cos(pi * (t - warmup) / (T - warmup))) / 2``. So the rate of a step is that of
    ``transformers.get_cosine_schedule_with_warmup`` and, without warm-up, of
    ``torch.optim.lr_scheduler.CosineAnnealingLR`` stepped after every step.
    """

    name = "warmup_cosine"
    restarted = "warmup_cosine_restart"
    options = ("warmup", "min_lr")
    over_the_run = True
    citation = "Loshchilov and Hutter 2017, equation 5; warm-up: Goyal et al. 2017"

    def phases(self, optimizer: OptimizerSpec, total: int) -> tuple[Phase, ...]:
        """The warm-up and the cosine."""
        falling = Phase(optimizer.warmup, total, 1.0, optimizer.min_lr / optimizer.lr, "cosine")
        return (*warm_up(optimizer.warmup), falling)

    def misfits(self, optimizer: OptimizerSpec, reach: Reach) -> Iterator[tuple[str, str]]:
        """A warm-up as long as the recovery, or a last rate above the first."""
        yield from too_long(optimizer, reach)
        yield from above_the_rate(optimizer)


class WarmupCosineRestart(BeginsAgain, WarmupCosine):
    """As ``warmup_cosine`` until the window closes; then the same schedule over the epochs left."""

    name = "warmup_cosine_restart"
    restarted = "warmup_cosine_restart"
    detail = "warm-up, cosine"
    lasting = "warmup_cosine"
    clean = "warmup_cosine"
