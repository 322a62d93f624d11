"""The first line of a command that trains: what is trained, how many epochs are left, and how long they may take."""

from __future__ import annotations

from critlab._core.terminal.duration import duration
from critlab.engine.planning import timing
from critlab.engine.planning.processors import default_workers
from critlab.engine.tasks.missing_work import MissingWork
from critlab.study.runs.origin import Numerics
from critlab.study.study import Study


def opening(study: Study, work: MissingWork, numerics: Numerics, workers: int | None) -> str:
    """The line, once nothing can be refused any more: who gave bad input reads one message and nothing else.

    Args:
        study: that is trained.
        work: what its store lacks.
        numerics: in which it is computed.
        workers: how many work at once; None for one a core.
    """
    seeds, runs = len(study.seeds), len(study.runs)
    kinds = f"{runs} {'kind' if runs == 1 else 'kinds'} of run, {seeds} {'seed' if seeds == 1 else 'seeds'}"
    epochs = work.trained + work.replayed
    if not epochs:
        return f"{study.name}: {kinds}, {work.readings:,} readings to take"
    return f"{study.name}: {kinds}, {epochs:,} epochs left{_time(study, numerics, epochs, workers)}"


def _time(study: Study, numerics: Numerics, epochs: int, workers: int | None) -> str:
    """How long they take at the pace of an earlier run on this machine, without the start of workers."""
    each = timing.recall(study, numerics)
    if each is None:
        return "; the time left follows with the first epochs"
    return f", about {duration(each * epochs / (workers or default_workers()))} at the pace of an earlier run"
