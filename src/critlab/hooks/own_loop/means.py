"""Where a user's own loop runs: in this process, on all cores, on a cluster."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from critlab._core.errors import StudyError
from critlab._core.terminal.text import say
from critlab.engine.context import Device
from critlab.engine.executor import TaskExecutor
from critlab.engine.executors import EXECUTORS
from critlab.engine.executors.inline import InlineExecutor
from critlab.engine.planning.processors import default_workers
from critlab.hooks.own_loop.given import GivenLoop

DEVICE = "the loop's own"
"""What records call the device of a loop that chooses it by itself."""

DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True, kw_only=True)
class LoopMeans:
    """With what a loop that is given as a class runs; one that is given as functions runs in this process.

    Args:
        workers: processes; None is one for each core. With 1 the loop runs in this process.
        device: where to compute; ``auto`` takes a GPU where there is one. The class is made with ``device="cpu"`` or
            ``"cuda"`` where it takes that argument; one that does not chooses by itself.
        executor: ``processes`` of this machine, ``inline`` in this process, ``ray`` on the Ray cluster at
            ``RAY_ADDRESS``, or another one of ``critlab list executors``; None is ``processes``.
    """

    workers: int | None = None
    device: Device = "auto"
    executor: str | None = None

    def check_means(self, of: str) -> None:
        """Refuses values that are none, and an executor that cannot be used here.

        Raises:
            StudyError: naming the field.
        """
        whole = isinstance(self.workers, int) and not isinstance(self.workers, bool)
        if self.workers is not None and not (whole and self.workers >= 1):
            raise StudyError(f"{of}: workers: received {self.workers!r}; must be at least 1, or None for all cores")
        if self.device not in DEVICES:
            raise StudyError(f"{of}: device: received {self.device!r}; must be {', '.join(DEVICES)}")
        if self.executor is not None:
            EXECUTORS.find(self.executor, f"{of}: executor").check()

    def processes(self, device: str) -> int:
        """How many processes may work at once on this machine."""
        return self.workers or default_workers(device)

    def executor_of(self, loop: GivenLoop, of: str, alone: str = "") -> type[TaskExecutor]:
        """What runs the tasks of a loop; the inline one where only this process can, which is said once.

        Args:
            loop: the user's.
            of: the function that was called, for messages.
            alone: why only this process can run it for another reason than the loop; empty where there is none.
        """
        chosen = EXECUTORS.find(self.executor or "processes", f"{of}: executor")
        few = self.executor is None and self.processes(loop.device or "cpu") == 1
        if few or chosen is InlineExecutor:
            return InlineExecutor
        if why := loop.alone or alone:
            say_once(of, why)
            return InlineExecutor
        return chosen


@cache
def say_once(of: str, why: str) -> None:
    """Says, once in a process, that a loop runs in this process alone, why, and how it would run in more."""
    say(
        f"{of}: the loop runs in this process alone, because {why}; to use all cores, put a class with these functions "
        f'into a module and give {of}("my_module:MyLoop", ...)'
    )
