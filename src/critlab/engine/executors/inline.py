"""Tasks in the calling process, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack

from critlab._core.threads import one_thread
from critlab.engine.context import RunContext
from critlab.engine.executor import TaskExecutor
from critlab.engine.tasks.events import Progress
from critlab.engine.tasks.missing_work import Task


class InlineExecutor(TaskExecutor):
    """One task at a time, in the calling process: for debuggers, and where no process may be started."""

    name = "inline"
    workers = 1

    def __init__(self, context: RunContext) -> None:
        super().__init__(context)
        self._task: Task | None = None
        with ExitStack() as opened:
            opened.enter_context(self.threads())
            self.worker = context.worker()
            self._opened = opened.pop_all()

    def threads(self) -> AbstractContextManager[None]:
        """On how many threads torch computes: one, as in a worker process, so that every executor gives the same."""
        return one_thread()

    @property
    def capacity(self) -> int:
        """One task; :meth:`events` executes it."""
        return int(self._task is None)

    def submit(self, task: Task) -> None:
        """Take one task."""
        self._task = task

    def events(self, seconds: float) -> Iterator[Progress]:
        """Execute the submitted task, and report what happens; the task itself looks whether to stop."""
        task, self._task = self._task, None
        if task is not None:
            yield from self.execute(task)

    def execute(self, task: Task) -> Iterator[Progress]:
        """Execute one task."""
        return self.worker.execute(task, self.context.stopping)

    def close(self) -> None:
        """Give torch its threads back."""
        self._opened.close()
