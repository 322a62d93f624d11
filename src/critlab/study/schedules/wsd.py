"""Warm-up, stable phase and decay, by epochs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from critlab.study.schedules.schedule import EpochPosition, Reach, Schedule
from critlab.study.schedules.stepwise import BeginsAgain

if TYPE_CHECKING:
    from critlab.study.optimizers.spec import OptimizerSpec


class WarmupStableDecay(Schedule):
    """A linear warm-up, then ``lr``, then a linear decay to 0 over the last epochs of the run.

    The rate of an epoch is the mean of the continuous schedule over it. With e the epochs trained before and T those of
    the run: ``lr * (e + 1/2) / warmup`` in the first ``warmup`` epochs, ``lr * (T - e - 1/2) / decay`` in the last
    ``decay`` ones, ``lr`` between them. So windows in the stable phase have the same learning rate.

    Source: Hu et al. 2024, "MiniCPM", section 4, who call it WSD; linear decay to 0: Hägele et al. 2024, "Scaling laws
    and compute-optimal training beyond fixed training durations", section 3.
    """

    name = "wsd"
    label = "not restarted"
    phrase = "the schedule not restarted"
    restarted = "wsd_restart"
    options = ("warmup", "decay")
    required = ("decay",)
    ignores_decay = True
    citation = "Hu et al. 2024; Hägele et al. 2024"

    def learning_rate(self, optimizer: OptimizerSpec, at: EpochPosition) -> float:
        """The learning rate of one epoch."""
        rising = (at.epoch + 0.5) / optimizer.warmup if at.epoch < optimizer.warmup else 1.0
        left, decay = at.total - at.epoch, optimizer.decay or 0
        falling = (left - 0.5) / decay if left <= decay else 1.0
        return optimizer.lr * min(rising, falling)

    def misfits(self, optimizer: OptimizerSpec, reach: Reach) -> Iterator[tuple[str, str]]:
        """A warm-up and a decay that do not fit into the shortest recovery, so that a window may lie in the decay."""
        if reach.recovery is not None and optimizer.warmup + (optimizer.decay or 0) > reach.recovery:
            text = f"received {optimizer.decay} with a warmup of {optimizer.warmup}; together they must be at most"
            yield "decay", f"{text} {reach.recovery}, the epochs of the shortest recovery"


class WarmupStableDecayRestart(BeginsAgain, WarmupStableDecay):
    """As ``wsd`` until the window closes; then the warm-up begins again, and the decay ends with the run."""

    name = "wsd_restart"
    restarted = "wsd_restart"
    detail = "warm-up, stable, decay"
    lasting = "wsd"
    clean = "wsd"

    def learning_rate(self, optimizer: OptimizerSpec, at: EpochPosition) -> float:
        """The learning rate of one epoch."""
        return super().learning_rate(optimizer, at.since_stop())
