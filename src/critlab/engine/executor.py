"""The contract of an executor: it takes tasks, executes them somewhere, and reports what happens."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from critlab.engine.tasks.events import Progress
from critlab.engine.tasks.missing_work import Task

if TYPE_CHECKING:
    from critlab.engine.context import RunContext

AnyTask = TypeVar("AnyTask")
AnyEvent = TypeVar("AnyEvent")


class Executor(ABC, Generic[AnyTask, AnyEvent]):
    """Executes tasks of one kind; :func:`critlab.engine.coordinator.coordinate` calls it from one thread."""

    @property
    @abstractmethod
    def capacity(self) -> int:
        """How many more tasks it takes now."""

    @abstractmethod
    def submit(self, task: AnyTask) -> None:
        """Take one task; called only where there is capacity."""

    @abstractmethod
    def events(self, seconds: float) -> Iterator[AnyEvent]:
        """What happened since the last call; waits for the first event, about ``seconds`` at most.

        Every submitted task ends in exactly one event that says so.
        """

    def stop(self, seconds: float) -> None:
        """Ask the tasks to stop where they can continue later; end those that take longer than ``seconds``.

        Called at most once; the coordinator goes on to ask for events until every task has ended.
        """

    def close(self) -> None:
        """End whatever was started; called once, also where an error ends the work."""


class TaskExecutor(Executor[Task, Progress]):
    """Executes the tasks of studies; critlab's rows and a user's own are subclasses of this.

    Args:
        context: the study, its store, and how it is run.
    """

    name: ClassVar[str]
    #: paper and section, or "ours", as ``critlab list executors`` shows it
    citation: ClassVar[str] = "ours"

    def __init__(self, context: RunContext) -> None:
        self.context = context

    @classmethod
    def check(cls) -> None:
        """Refuse to be used, before anything is read or created.

        Raises:
            StudyError: something that it needs is not installed.
        """

    @property
    def workers(self) -> int | None:
        """How many tasks it executes at once; None where it cannot know, and no times are kept for the next plan."""
        return None
