"""A polynomial decay over the run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from critlab.study.schedules.course import Phase
from critlab.study.schedules.schedule import Reach
from critlab.study.schedules.stepwise import BeginsAgain, Stepwise, above_the_rate, too_long, warm_up

if TYPE_CHECKING:
    from critlab.study.optimizers.spec import OptimizerSpec


class Polynomial(Stepwise):
    """A linear warm-up, then ``min_lr + (lr - min_lr) * (1 - u) ** power`` in every step; ``power = 1`` is linear.

    u goes from 0 at the end of the warm-up to 1 at the end of the run, as in
    ``transformers.get_polynomial_decay_schedule_with_warmup``.
    """

    name = "polynomial"
    restarted = "polynomial_restart"
    options = ("warmup", "power", "min_lr")
    over_the_run = True
    citation = "Chen et al. 2018, DeepLab, equation 2"

    def phases(self, optimizer: OptimizerSpec, total: int) -> tuple[Phase, ...]:
        """The warm-up and the decay."""
        last = optimizer.min_lr / optimizer.lr
        return (*warm_up(optimizer.warmup), Phase(optimizer.warmup, total, 1.0, last, "power", optimizer.power))

    def misfits(self, optimizer: OptimizerSpec, reach: Reach) -> Iterator[tuple[str, str]]:
        """A warm-up as long as the recovery, or a last rate above the first."""
        yield from too_long(optimizer, reach)
        yield from above_the_rate(optimizer)


class PolynomialRestart(BeginsAgain, Polynomial):
    """As ``polynomial`` until the window closes; then the same schedule over the epochs left."""

    name = "polynomial_restart"
    restarted = "polynomial_restart"
    detail = "polynomial"
    lasting = "polynomial"
    clean = "polynomial"
