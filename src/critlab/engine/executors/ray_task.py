"""Run one task on a cluster node and stream its events to the driver."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from critlab._core.errors import CritlabError
from critlab._core.loading.imports import imported
from critlab.engine.executors.worker import IN_WORKER
from critlab.engine.learner import Learner
from critlab.engine.records.provenance import provenance
from critlab.engine.study_run import StudyRun
from critlab.engine.tasks.events import Event, StateReached
from critlab.engine.tasks.execute import execute_task
from critlab.engine.tasks.missing_work import Task

if TYPE_CHECKING:
    from critlab.data.image_set import ImageSet

LOOK_SECONDS = 2.0
"""How often a task asks whether it should stop."""


@dataclass(frozen=True)
class MachineOf:
    """The first word of a task: which machine does it, with which versions."""

    provenance: Mapping[str, str]


def run_task(
    setup: Mapping[str, Any],
    images: ImageSet | None,
    task: Task,
    start: StateReached | Mapping[str, Any] | None,
    inside: Mapping[str, Any] | None,
    flag: Any,
) -> Iterator[Event | MachineOf]:
    """Does ``task`` on this node.

    Args:
        setup: the first message to a worker; with the driver's version of torch.
        images: the study's images; None where only the learner knows its data.
        task: what to do.
        start: the state that it starts from, as the event that reached it or as arrays; None for the root.
        inside: a place inside its first epoch, where one was stored.
        flag: says whether to stop.

    Raises:
        CritlabError: this node has another version of torch than the driver.
    """
    os.environ[IN_WORKER] = "1"
    here = provenance()
    if here["torch"] != setup["torch"]:
        raise CritlabError(
            f"received torch {here['torch']} on a node and {setup['torch']} on the driver; install the same version"
        )
    yield MachineOf(here)
    # in the driver's order, so that a module is found where the driver found it
    theirs = [entry for entry in setup["sys_path"] if os.path.isdir(entry)]
    sys.path[:] = [*theirs, *(entry for entry in sys.path if entry not in theirs)]
    run, learner = _at_hand(_Same(setup, images))
    arrays = start.arrays if isinstance(start, StateReached) else start
    stop = _StopRequest(flag)
    # one by one, since Ray sends into the generator, which what it delegates to could not take
    for event in execute_task(task, run.tree, run.ids, learner, lambda name: arrays, stop, lambda name: inside):  # noqa: UP028
        yield event


PARTS = ("study", "numerics", "code", "versions", "source", "source_values")
"""What a message says of the study and its learner, in addition to its data and device."""


class _Same:
    """A study and its images; equal where they give the same learner, so that a process makes it once."""

    def __init__(self, setup: Mapping[str, Any], images: ImageSet | None) -> None:
        self.setup, self.images = setup, images
        same = (setup["fingerprint"], setup["device"])
        self.key = (*same, *(repr(setup[part]) for part in PARTS))

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.key == other.key


@lru_cache(maxsize=1)
def _at_hand(same: _Same) -> tuple[StudyRun, Learner]:
    import torch

    torch.set_num_threads(1)
    made: tuple[StudyRun, Learner] = imported(same.setup["source"])(same.setup, same.images)
    return made


class _StopRequest:
    """Whether the driver has asked to stop; a driver that cannot be reached has not, and its tasks end with it."""

    def __init__(self, flag: Any) -> None:
        self.flag, self.asked, self.due = flag, False, 0.0

    def __call__(self) -> bool:
        import ray

        if not self.asked and time.monotonic() >= self.due:
            self.due = time.monotonic() + LOOK_SECONDS
            try:
                self.asked = ray.get(self.flag.look.remote(), timeout=LOOK_SECONDS)
            except ray.exceptions.RayError:
                return False
        return self.asked
