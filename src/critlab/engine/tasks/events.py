"""What happens while tasks are executed: in one task, for the store; and in all of them, for the coordinator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from critlab.engine.tasks.missing_work import Task
from critlab.measures.reading import Reading


@dataclass(frozen=True)
class Trained:
    """An epoch was trained: its record's body."""

    path: str
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Replayed:
    """An epoch was trained again, and gave what its record says."""

    path: str
    seconds: float


@dataclass(frozen=True)
class Read:
    """A measure was read."""

    path: str
    measure: str
    readings: tuple[Reading, ...]
    seconds: float


@dataclass(frozen=True)
class StateReached:
    """A state was reached that is worth storing; where it is not kept, it is only there to go on from."""

    path: str
    arrays: Mapping[str, Any]
    keep: bool


@dataclass(frozen=True)
class Paused:
    """A place inside the epoch that leads to ``path``, stored to go on from."""

    path: str
    arrays: Mapping[str, Any]


@dataclass(frozen=True)
class Stopped:
    """Asked to stop; the place last reached was stored."""

    path: str


Event = Trained | Replayed | Read | StateReached | Paused | Stopped
"""What a task makes known, in this order; whoever executes it writes it down."""


@dataclass(frozen=True)
class EpochDone:
    """An executor trained an epoch of a task.

    Args:
        task: whose.
        seconds: of one worker.
        replayed: whether its record was there before.
        diverged: why the run is no longer finite; empty where it is.
    """

    task: Task
    seconds: float
    replayed: bool
    diverged: str = ""


Ending = Literal["done", "diverged", "stopped", "busy", "overtaken", "gone", "failed", "died", "lost", "unwritable"]
"""How a task ended. ``busy``: another process has it. ``overtaken``: another process did it. ``gone``: its start was
not there. ``failed``: its own code broke. ``died``: its worker process died. ``lost``: its machine is gone, which says
nothing about the task. ``unwritable``: the store could not be written."""


@dataclass(frozen=True)
class TaskEnded:
    """An executor is no longer at a task.

    Args:
        task: which.
        how: it ended.
        reason: why, where it is not done.
        path: the state that it was working towards.
    """

    task: Task
    how: Ending
    reason: str = ""
    path: str = ""


Progress = EpochDone | TaskEnded
"""What an executor reports to the coordinator."""
