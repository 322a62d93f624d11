"""Does what a store lacks of a user's own training, in this process or in others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

from critlab._core.errors import CritlabError, StoreError, StoreUnwritable, StudyError
from critlab.engine.context import RunContext
from critlab.engine.executor import TaskExecutor
from critlab.engine.executors.inline import InlineExecutor
from critlab.engine.interruption import interruptible
from critlab.engine.progress import Display
from critlab.engine.run import work_off
from critlab.engine.tasks.events import Progress
from critlab.engine.tasks.missing_work import MissingWork, Task
from critlab.engine.tasks.task_queue import Failure


class _HereExecutor(InlineExecutor):
    """The user's loop in the calling process, on its threads; errors of the user's functions pass through."""

    def threads(self) -> AbstractContextManager[None]:
        """As many as the user's loop has."""
        return nullcontext()

    def execute(self, task: Task) -> Iterator[Progress]:
        """Execute one task."""
        return self.worker.execute_or_raise(task, self.context.stopping)


def train_missing(work: MissingWork, context: RunContext, executor: type[TaskExecutor], of: str) -> bool:
    """Does ``work`` and what turns out to be missing after it; whether a stop was requested before its end.

    Args:
        work: what the store lacks now.
        context: the study, its store, and who learns.
        executor: what executes tasks; :class:`InlineExecutor` is this process.
        of: the function that was called, for messages.

    Raises:
        StudyError: the user's code failed in another process; in this one its errors pass through.
        StoreError: another program deletes files of the store, again and again.
        StoreUnwritable: the disk is full, or the store may not be written.
    """
    run, here = context.run, executor is InlineExecutor
    run.forget_failures(work)
    with interruptible() as interruption, Display(run.study.name, work.trained + work.replayed) as display:
        while work.tasks and not interruption.asked:
            ended, _ = work_off(work, context, _HereExecutor if here else executor, display, interruption)
            if ended.unwritable:
                raise StoreUnwritable(ended.unwritable)
            if ended.failures:
                raise StoreError(ended.failures[0].reason) if here else _failed(ended.failures, of)
            work = run.missing()
    return bool(work.tasks)


def _failed(failures: list[Failure], of: str) -> CritlabError:
    """What a person reads where the user's code failed elsewhere; the traces were shown when it did."""
    first = failures[0]
    line = first.reason.splitlines()[-1].removeprefix("StudyError: ").removeprefix(f"{of}: ")
    others = f" (and {len(failures) - 1:,} more)" if len(failures) > 1 else ""
    return StudyError(f"{of}: seed {first.seed}: {line}{others}; what was finished is kept: repeat the call to go on")
