"""The loop that gives tasks to an executor and takes its reports: the only one, for studies and for theories."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from typing import Protocol, TypeVar

from critlab.engine.executor import Executor

WAIT_SECONDS = 0.2
"""How long to wait for an event before looking at the time and at signals again."""

AnyTask = TypeVar("AnyTask", covariant=True)
AnyEvent = TypeVar("AnyEvent", contravariant=True)


class Queue(Protocol[AnyTask, AnyEvent]):
    """Tasks to be done, some of which wait for others."""

    @property
    def doing(self) -> Collection[AnyTask]:
        """The tasks that were given out and have not ended."""

    @property
    def pending(self) -> bool:
        """Whether there is or may be another task to give out."""

    @property
    def stopped(self) -> bool:
        """Whether no further task starts."""

    @property
    def patience(self) -> float:
        """Seconds that tasks may take to stop."""

    def next(self) -> AnyTask | None:
        """The next task that can start now, which is then being done; None where none is ready."""

    def take(self, event: AnyEvent) -> None:
        """Take note of what the executor reports."""

    def tick(self) -> None:
        """Time has passed."""


Given = TypeVar("Given")
AnyReport = TypeVar("AnyReport")


def coordinate(queue: Queue[Given, AnyReport], executor: Executor[Given, AnyReport]) -> Iterator[AnyReport]:
    """Execute what is in ``queue`` and yield each event once the queue has taken it; the executor is closed at the end.

    Raises:
        CritlabError: the executor cannot work at all.
    """
    asked = False
    try:
        while True:
            if not queue.stopped:
                while executor.capacity > 0 and (task := queue.next()) is not None:
                    executor.submit(task)
            elif not asked:
                asked = True
                executor.stop(queue.patience)
            if queue.doing:
                for event in executor.events(WAIT_SECONDS):
                    queue.take(event)
                    yield event
            elif queue.stopped or not queue.pending:
                return
            else:
                time.sleep(WAIT_SECONDS)
            queue.tick()
    finally:
        executor.close()
