"""What a learning-rate clock is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from critlab.study.schedules.course import EpochRate

if TYPE_CHECKING:
    from critlab.study.optimizers.spec import OptimizerSpec


class EpochPosition(NamedTuple):
    """Where an epoch stands in its run.

    Args:
        epoch: epochs trained before it, from 0.
        stop: the epoch at which the window closes; 0 where there is none.
        total: epochs of the run.
        steps: steps of a whole epoch; 0 where that is not known before the data are read.
    """

    epoch: int
    stop: int
    total: int
    steps: int = 0

    def since_stop(self) -> EpochPosition:
        """Where the epoch stands if counting begins again when the window closes."""
        if self.epoch < self.stop:
            return self
        return EpochPosition(self.epoch - self.stop, 0, self.total - self.stop, self.steps)


class Reach(NamedTuple):
    """How long the runs of a study are.

    Args:
        recovery: epochs of the shortest recovery; None where nothing is removed.
        longest: epochs of the longest run.
        steps: steps of a whole epoch; 0 where that is not known before the data are read.
    """

    recovery: int | None
    longest: int
    steps: int


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
    #: whether ``lr_decay`` other than 1 is refused, because the clock does not use it
    refuses_decay: ClassVar[bool] = False
    #: whether ``lr_decay`` other than 1 is let through although the clock does not use it; a plan says so
    ignores_decay: ClassVar[bool] = False
    #: whether pages draw the learning rate, because no formula of the epoch gives it
    drawn: ClassVar[bool] = False
    #: whether its curve depends on the length of the run, so that runs of different length share little
    over_the_run: ClassVar[bool] = False
    citation: ClassVar[str] = "ours"

    @property
    def restarts(self) -> bool:
        """Whether the schedule begins again when the window closes."""
        return self.twin == "restarted"

    @abstractmethod
    def learning_rate(self, optimizer: OptimizerSpec, at: EpochPosition) -> float:
        """The learning rate of one epoch: of every step or, where the rate changes within it, their mean.

        Args:
            optimizer: ``lr``, ``lr_decay`` and the other options.
            at: which epoch of which run.
        """

    def rates(self, optimizer: OptimizerSpec, at: EpochPosition) -> EpochRate:
        """The learning rates of the steps of one epoch; all equal unless a clock says otherwise.

        Args:
            optimizer: ``lr``, ``lr_decay`` and the other options.
            at: which epoch of which run.
        """
        return EpochRate(self.learning_rate(optimizer, at))

    def anneals(self, optimizer: OptimizerSpec) -> bool:
        """Whether the learning rate falls in the course of a run without a window."""
        return True

    def misfits(self, optimizer: OptimizerSpec, reach: Reach) -> Iterator[tuple[str, str]]:
        """The keys of ``[optimizer]`` that do not fit runs of this length, and why."""
        yield from ()
