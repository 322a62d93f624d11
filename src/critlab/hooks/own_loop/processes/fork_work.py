"""Forks of a user's checkpoints in other processes: where they run, and what is sent there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from critlab._core.errors import StudyError
from critlab.engine.executors.questions import Answerer, Ask, can_travel, in_processes, on_ray
from critlab.hooks.own_loop.given import GivenLoop
from critlab.hooks.own_loop.means import LoopMeans, say_once

EXECUTORS_OF_FORKS = ("processes", "inline", "ray")
"""Where forks run; an executor of a user's own executes tasks of studies."""


@contextmanager
def asking(loop: GivenLoop, means: LoopMeans, of: str, path: str, values: Mapping[str, Any]) -> Iterator[Ask | None]:
    """What answers questions about forks in other processes, as long as it is open; None where only this one can.

    Args:
        loop: the user's.
        means: where it runs.
        of: the function that was called, for messages.
        path: ``"package.module:function"``, which makes what answers from ``values`` and what is known of the loop.
        values: what it is made from.

    Raises:
        StudyError: there is no such executor for forks.
    """
    if means.executor is not None and means.executor not in EXECUTORS_OF_FORKS:
        raise StudyError(
            f"{of}: executor: received {means.executor!r}; must be {', '.join(EXECUTORS_OF_FORKS)} for forks"
        )
    count = means.processes(loop.device or "cpu")
    if means.executor == "inline" or (means.executor is None and count == 1):
        yield None
        return
    whole = {**values, "loop": loop.path, "device": loop.device, "threads": 1}
    why = loop.alone
    if not why and (lost := can_travel(whole)):
        why = f"something that it is given cannot be sent to another process ({lost})"
    if why or (here := _of_this_script(values)):
        say_once(of, why or f"{here} stands in the running script")
        yield None
        return
    answerer = Answerer(path, whole)
    opened = on_ray(answerer, means.workers, loop.device == "cuda") if means.executor == "ray" else None
    with opened or in_processes(answerer, count) as ask:
        yield ask


def _of_this_script(value: Any) -> str:
    """The name of a function in ``value`` that the running script defines, which other processes do not find."""
    if isinstance(value, Mapping):
        return next(filter(None, map(_of_this_script, value.values())), "")
    if isinstance(value, list | tuple):
        return next(filter(None, map(_of_this_script, value)), "")
    kind = value if hasattr(value, "__qualname__") else type(value)
    return str(kind.__qualname__) if getattr(kind, "__module__", "") == "__main__" else ""
