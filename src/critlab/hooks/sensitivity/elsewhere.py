"""Forks of a user's state in other processes: trained before they are needed, and taken in the order of one process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from critlab._core.terminal.progress import Progress
from critlab.engine.executors.questions import Ask
from critlab.hooks.own_loop.given import GivenLoop
from critlab.hooks.own_loop.processes.fork_work import asking
from critlab.hooks.own_loop.processes.probe_work import loop_again
from critlab.hooks.sensitivity.deficits import AnyDeficit
from critlab.hooks.sensitivity.forks import ForkLoop, Forks, ForkScores
from critlab.hooks.sensitivity.options import SensitivityOptions

FORK_FUNCTIONS = ("advance", "evaluate", "load", "save")
"""What a loop has whose states are forked; ``save`` may be missing where they are checkpoints."""

Question = tuple[str, int, bool]
"""A deficit's name, empty for the clean twin; the repeat; and whether inputs are changed by rounding."""


def asking_forks(
    loop: GivenLoop, options: SensitivityOptions, forks: Forks, deficits: Mapping[str, AnyDeficit]
) -> AbstractContextManager[Ask | None]:
    """What answers questions about forks in other processes; None where only this one can."""
    values = {
        "saved": forks.saved,
        "what": forks.what,
        "onset": forks.onset,
        "deprived": forks.deprived,
        "clean": forks.clean,
        "knowledge": forks.knowledge,
        "deficits": dict(deficits),
        "metric": forks.metric,
        "saves": forks.loop.save is not None,
    }
    path = "critlab.hooks.sensitivity.elsewhere:fork_work"
    return asking(loop, options, "sensitivity", path, values)


def fork_work(values: Mapping[str, Any]) -> Callable[[Question], tuple[ForkScores, int]]:
    """What trains one fork in another process; it gives its scores, and the epochs that it took."""
    loop = loop_again(values, FORK_FUNCTIONS, "sensitivity", optional=frozenset({"save"}))
    functions = {name: one for name, one in loop.functions.items() if name != "save" or values["saves"]}
    state = {name: values[name] for name in ("saved", "what", "onset", "deprived", "clean", "knowledge", "metric")}
    forks = Forks(ForkLoop(**functions), **state)

    def answer(question: Question) -> tuple[ForkScores, int]:
        name, repeat, forks.nudge = question
        before = forks.spent
        found = forks.run(name, values["deficits"].get(name), repeat)
        return found, forks.spent - before

    return answer


class Ahead:
    """Trains forks in other processes before this one needs them.

    Args:
        ask: what answers in other processes; None where forks are trained when they are needed.
        forks: takes what was trained.
        workers: how many forks are trained at once.
        shown: the line of progress.
    """

    def __init__(self, ask: Ask | None, forks: Forks, workers: int, shown: Progress) -> None:
        self.ask, self.forks, self.workers, self.shown = ask, forks, workers, shown

    def train(self, wanted: Iterable[tuple[str, int]]) -> None:
        """Trains those of ``wanted``, deficit's name and repeat, that are not known yet."""
        left = [one for one in wanted if self.ask is not None and not self.forks.knows(*one)]
        if self.ask is None or not left:
            return
        questions = [(name, repeat, self.forks.nudge) for name, repeat in left]
        for place, (found, spent) in self.ask(questions):
            self.forks.take(*left[place], found, spent)
            self.shown.advance()

    def repeats(self, deficits: int, most: int) -> int:
        """How many repeats are trained at once, so that each worker has a fork; the further ones may not be needed."""
        return max(1, min(most, self.workers // (1 + deficits)))
