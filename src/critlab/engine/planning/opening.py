"""The first line of a command that trains: what is trained, how many epochs, and how long it may take."""

from __future__ import annotations

from critlab._core.terminal.duration import duration
from critlab.engine.context import RunOptions
from critlab.engine.planning import timing
from critlab.engine.planning.numerics import settled
from critlab.engine.planning.processors import default_workers
from critlab.engine.records.study_record import StudyRecord
from critlab.study.runs.tree import build
from critlab.study.study import Study


def opening(study: Study, record: StudyRecord | None, options: RunOptions) -> str:
    """The line, from the study and from what this machine remembers; it reads neither data nor results.

    Args:
        study: that is trained.
        record: of the study in its store; None where it is new.
        options: with what it is run.

    Raises:
        StudyError: the study was started with another precision.
    """
    seeds, runs = len(study.seeds), len(study.runs)
    epochs = build(study).epochs * seeds
    kinds = f"{runs} {'kind' if runs == 1 else 'kinds'} of run, {seeds} {'seed' if seeds == 1 else 'seeds'}"
    return f"{study.name}: {kinds}, {epochs:,} epochs in all{_time(study, record, options, epochs)}"


def _time(study: Study, record: StudyRecord | None, options: RunOptions, epochs: int) -> str:
    """How long all epochs take at the pace of an earlier run on this machine, without the start of workers."""
    decision = settled(study, record, options.precision)
    each = timing.recall(study, decision.numerics) if decision else None
    if each is None:
        return "; the time left follows with the first epochs"
    workers = options.workers or default_workers()
    longest = max(run.total for run in study.runs)
    return f", about {duration(each * max(epochs / workers, longest))} at the pace of an earlier run"
