"""One cycle: a rise to the largest learning rate, and a fall far below where it began."""

from __future__ import annotations

from typing import TYPE_CHECKING

from critlab.study.schedules.course import Phase
from critlab.study.schedules.stepwise import BeginsAgain, Stepwise

if TYPE_CHECKING:
    from critlab.study.optimizers.spec import OptimizerSpec


class OneCycle(Stepwise):
    """Half a cosine from ``lr / div_factor`` up to ``lr``, and half a cosine down, in every step; ``lr`` is the peak.

    The peak is at the part ``pct_start`` of the run; the last rate is ``lr / (div_factor * final_div_factor)``. As
    ``torch.optim.lr_scheduler.OneCycleLR`` with its defaults, whose phases end a step earlier; the momentum does not
    cycle.
    """

    name = "one_cycle"
    restarted = "one_cycle_restart"
    options = ("pct_start", "div_factor", "final_div_factor")
    over_the_run = True
    citation = "Smith and Topin 2018"

    def phases(self, optimizer: OptimizerSpec, total: int) -> tuple[Phase, ...]:
        """The rise and the fall."""
        peak, first = optimizer.pct_start * total, 1 / optimizer.div_factor
        last = first / optimizer.final_div_factor
        return Phase(0, peak, first, 1.0, "cosine"), Phase(peak, total, 1.0, last, "cosine")


class OneCycleRestart(BeginsAgain, OneCycle):
    """As ``one_cycle`` until the window closes; then a whole cycle over the epochs left."""

    name = "one_cycle_restart"
    restarted = "one_cycle_restart"
    detail = "one cycle"
    lasting = "one_cycle"
    clean = "one_cycle"
