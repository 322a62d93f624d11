"""Learning-rate clocks: one class and one row each; only this file knows a clock's name."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import BeforeValidator

from critlab._core.errors import StudyError
from critlab._core.imports import is_path
from critlab._core.registry import Registry
from critlab._core.spec import Problems, nearest, shown

if TYPE_CHECKING:
    from critlab.study.specs import OptimizerSpec


class EpochPosition(NamedTuple):
    """Where an epoch stands in its run.

    Args:
        epoch: epochs trained before it, from 0.
        stop: the epoch at which the window closes; 0 where there is none.
        total: epochs of the run.
    """

    epoch: int
    stop: int
    total: int


class Schedule(ABC):
    """What the learning rate follows.

    A clock of a user's own is a subclass of this, named ``clock = "package.module:Class"`` or offered by the
    entry-point group ``critlab.clocks``.
    """

    name: ClassVar[str]
    #: for legends and tables: what the learning rate does after the window
    label: ClassVar[str]
    #: for sentences, such as "with <phrase> the damage is ..."
    phrase: ClassVar[str]
    #: separates confounds of several schedules; empty for the usual one
    detail: ClassVar[str] = ""
    #: for sentences, such as "compared with <control_phrase>"
    control_phrase: ClassVar[str] = "a clean run with the same schedule"
    #: which kind of clean run is its equal: one that restarts at the same epoch, or one under the same clock throughout
    twin: ClassVar[Literal["restarted", "same_clock"]] = "same_clock"
    #: how a clean run that restarts is called in the table; None is the clock's name
    run_word: ClassVar[str | None] = None
    #: whether recovery begins with the whole learning rate
    recovers_at_full_rate: ClassVar[bool] = False
    #: the clock of a run whose deficit is never removed; None is the same
    lasting: ClassVar[str | None] = None
    #: the clock of the study's plain control, whose deficit was removed before it began; None is the same
    clean: ClassVar[str | None] = None
    #: the clock that is as this one until the window closes and then begins again; None where there is none
    restarted: ClassVar[str | None] = None
    #: keys of ``[optimizer]`` that this clock uses and others refuse
    options: ClassVar[tuple[str, ...]] = ()
    #: those of its options that have no default
    required: ClassVar[tuple[str, ...]] = ()
    citation: ClassVar[str] = "ours"

    @property
    def restarts(self) -> bool:
        """Whether the schedule begins again when the window closes."""
        return self.twin == "restarted"

    @abstractmethod
    def learning_rate(self, optimizer: OptimizerSpec, at: EpochPosition) -> float:
        """The learning rate of every step of one epoch.

        Args:
            optimizer: ``lr``, ``lr_decay`` and the other options.
            at: which epoch of which run.
        """

    def anneals(self, optimizer: OptimizerSpec) -> bool:
        """Whether the learning rate falls in the course of a run without a window."""
        return True


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
    citation = "Hu et al. 2024; Hägele et al. 2024"

    def learning_rate(self, optimizer: OptimizerSpec, at: EpochPosition) -> float:
        """The learning rate of one epoch."""
        rising = (at.epoch + 0.5) / optimizer.warmup if at.epoch < optimizer.warmup else 1.0
        left, decay = at.total - at.epoch, optimizer.decay or 0
        falling = (left - 0.5) / decay if left <= decay else 1.0
        return optimizer.lr * min(rising, falling)


class WarmupStableDecayRestart(WarmupStableDecay):
    """As ``wsd`` until the window closes; then the warm-up begins again, and the decay ends with the run."""

    name = "wsd_restart"
    label = "restarted"
    phrase = "the schedule restarted after the deficit"
    detail = "warm-up, stable, decay"
    control_phrase = "a control whose schedule restarts at the same epoch"
    twin = "restarted"
    restarted = "wsd_restart"
    recovers_at_full_rate = True
    lasting = "wsd"
    clean = "wsd"

    def learning_rate(self, optimizer: OptimizerSpec, at: EpochPosition) -> float:
        """The learning rate of one epoch."""
        if at.epoch >= at.stop:
            at = EpochPosition(at.epoch - at.stop, 0, at.total - at.stop)
        return super().learning_rate(optimizer, at)


_OWN = (Absolute, SinceRemoval, Constant, CosineRestart, WarmupStableDecay, WarmupStableDecayRestart)

CLOCKS: Registry[type[Schedule]] = Registry(
    "clock",
    Schedule,
    "critlab.clocks",
    {kind.name: f"{__name__}:{kind.__name__}" for kind in _OWN},
    classes=True,
)
"""The clocks by name."""


@cache
def schedule(clock: str) -> Schedule:
    """The schedule that a clock's name stands for.

    Raises:
        StudyError: there is none.
    """
    return CLOCKS.find(clock, "clock")()


def _known(value: Any) -> Any:
    if not isinstance(value, str) or not (value in CLOCKS or is_path(value)):
        raise Problems([((), f"received {shown(value)}{nearest(str(value), CLOCKS)}")])
    if is_path(value):
        try:
            schedule(value)
        except StudyError as error:
            raise Problems([((), str(error))]) from None
    return value


Clock = Annotated[str, BeforeValidator(_known)]
"""A clock's name, checked."""
