"""Clocks whose learning rate is the same in every step of an epoch: a decay by epochs, and a constant rate."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from critlab.study.schedules.schedule import EpochPosition, Schedule

if TYPE_CHECKING:
    from critlab.study.optimizers.spec import OptimizerSpec


class Absolute(Schedule):
    """``lr * lr_decay ** e``, with e the epochs since the start of training."""

    name = "absolute"
    label = "not restarted"
    phrase = "the schedule not restarted"
    restarted = "since_removal"
    citation = "Achille, Rovere and Soatto 2019"

    def learning_rate(self, optimizer: OptimizerSpec, at: EpochPosition) -> float:
        """The learning rate of one epoch."""
        return optimizer.lr * optimizer.lr_decay**at.epoch

    def anneals(self, optimizer: OptimizerSpec) -> bool:
        """Whether the rate falls without a window."""
        return optimizer.lr_decay < 1


class SinceRemoval(Absolute):
    """As ``absolute`` until the window closes; then the epochs are counted again from 0."""

    name = "since_removal"
    label = "restarted"
    phrase = "the schedule restarted after the deficit"
    control_phrase = "a control whose schedule restarts at the same epoch"
    twin = "restarted"
    restarted = "since_removal"
    run_word = "restarted"
    recovers_at_full_rate = True
    lasting = "absolute"
    clean = "absolute"

    def learning_rate(self, optimizer: OptimizerSpec, at: EpochPosition) -> float:
        """The learning rate of one epoch."""
        since = at.epoch - at.stop
        return optimizer.lr * optimizer.lr_decay ** (since if since >= 0 else at.epoch)


class Constant(Schedule):
    """``lr`` in every epoch."""

    name = "constant"
    label = "constant"
    phrase = "a constant learning rate"
    detail = "constant"
    recovers_at_full_rate = True
    ignores_decay = True

    def learning_rate(self, optimizer: OptimizerSpec, at: EpochPosition) -> float:
        """The learning rate of one epoch."""
        return optimizer.lr

    def anneals(self, optimizer: OptimizerSpec) -> bool:
        """Whether the rate falls without a window."""
        return False


class CosineRestart(Absolute):
    """As ``absolute`` until the window closes; then from ``lr`` to 0 along half a cosine over the epochs left.

    In the k-th of the R epochs that are left, from k = 0: ``lr * (1 + cos(pi * k / R)) / 2``.
    """

    name = "cosine_restart"
    citation = "after Loshchilov and Hutter 2017, section 3"
    label = "restarted, half a cosine"
    phrase = "the learning rate restarted after the deficit and taken down along half a cosine"
    detail = "half a cosine"
    control_phrase = "a control whose schedule restarts at the same epoch"
    twin = "restarted"
    restarted = "cosine_restart"
    recovers_at_full_rate = True
    lasting = "absolute"

    def learning_rate(self, optimizer: OptimizerSpec, at: EpochPosition) -> float:
        """The learning rate of one epoch."""
        since, left = at.epoch - at.stop, at.total - at.stop
        if since >= 0:
            return optimizer.lr * (1 + math.cos(math.pi * since / left)) / 2
        return super().learning_rate(optimizer, at)

    def anneals(self, optimizer: OptimizerSpec) -> bool:
        """Whether the rate falls without a window."""
        return True
