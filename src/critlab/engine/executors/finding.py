"""The executor that a command asks for."""

from __future__ import annotations

from critlab._core.errors import StudyError
from critlab.engine.executor import TaskExecutor
from critlab.engine.executors import EXECUTORS
from critlab.engine.executors.inline import InlineExecutor
from critlab.study.study import Study

EARLIER_NAMES = {"local": "processes"}
"""Names of executors in version 0.1.0, kept for one release."""


def find_executor(name: str) -> type[TaskExecutor]:
    """The executor called ``name``, which can be used here.

    Raises:
        StudyError: there is none, or something that it needs is not installed.
    """
    found = EXECUTORS.find(EARLIER_NAMES.get(name, name), "--engine")
    found.check()
    return found


def refuse_prompt(study: Study, executor: type[TaskExecutor]) -> None:
    """Refuse code that only this process has where other processes would have to import it.

    Raises:
        StudyError: the message names the remedy.
    """
    for field, name in {"model.name": study.model.name, "data.name": study.data.name}.items():
        if name.startswith("__main__:") and executor is not InlineExecutor:
            raise StudyError(
                f"{field}: received {name!r}, which was defined in a notebook or at a prompt, so worker processes "
                'cannot import it; give engine="inline", or move it to a module and import it from there'
            )
