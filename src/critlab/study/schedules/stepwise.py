"""Schedules whose learning rate changes from step to step: phases of a curve over the run."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from critlab.study.schedules.course import EpochRate, Phase, of_phases
from critlab.study.schedules.schedule import EpochPosition, Reach, Schedule

if TYPE_CHECKING:
    from critlab.study.optimizers.spec import OptimizerSpec


class Stepwise(Schedule):
    """A schedule in phases. Step s of the S steps of epoch e has the rate of the curve at ``e + s / S`` epochs."""

    label = "not restarted"
    phrase = "the schedule not restarted"
    refuses_decay = True
    drawn = True

    @abstractmethod
    def phases(self, optimizer: OptimizerSpec, total: int) -> tuple[Phase, ...]:
        """The phases of a run of ``total`` epochs; their factors multiply ``lr``."""

    def learning_rate(self, optimizer: OptimizerSpec, at: EpochPosition) -> float:
        """The mean learning rate of one epoch."""
        return self.rates(optimizer, at).mean

    def rates(self, optimizer: OptimizerSpec, at: EpochPosition) -> EpochRate:
        """The learning rates of one epoch."""
        if self.restarts:
            at = at.since_stop()
        return of_phases(self.phases(optimizer, at.total), at.epoch, optimizer.lr)


class BeginsAgain:
    """What a schedule says that begins again when the window closes; it comes first among the classes above one."""

    label: ClassVar[str] = "restarted"
    phrase: ClassVar[str] = "the schedule restarted after the deficit"
    control_phrase: ClassVar[str] = "a control whose schedule restarts at the same epoch"
    twin: ClassVar[Literal["restarted", "same_clock"]] = "restarted"
    recovers_at_full_rate: ClassVar[bool] = True


def warm_up(epochs: int) -> tuple[Phase, ...]:
    """A linear rise from 0 over the first ``epochs``; no phase where there are none."""
    return (Phase(0, epochs, 0.0, 1.0),) if epochs else ()


def too_long(optimizer: OptimizerSpec, reach: Reach) -> Iterator[tuple[str, str]]:
    """A warm-up that leaves nothing of the shortest recovery."""
    if reach.recovery is not None and optimizer.warmup >= reach.recovery:
        text = f"received {optimizer.warmup}; must be below {reach.recovery}, the epochs of the shortest recovery"
        yield "warmup", text


def above_the_rate(optimizer: OptimizerSpec) -> Iterator[tuple[str, str]]:
    """A last learning rate that is above the first."""
    if optimizer.min_lr > optimizer.lr:
        yield "min_lr", f"received {optimizer.min_lr:g}; must be at most lr, {optimizer.lr:g}"
