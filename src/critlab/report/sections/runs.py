"""The table of a study's runs."""

from __future__ import annotations

from critlab._core.duration import duration
from critlab.analysis.tables.results import Results
from critlab.analysis.tables.table import Outcome
from critlab.report.chart import Cell
from critlab.report.text.names import spaced

RUN_COLUMNS = ("Run", "Seed", "Arm", "Window", "Clock", "Epochs", "Outcome", "Time")


def run_cells(outcome: Outcome) -> tuple[Cell, ...]:
    """One row of the table of runs, in the order of :data:`RUN_COLUMNS`."""
    run = outcome.run
    window = f"[{run.window.start}, {run.window.stop})" if not run.clean else "none"
    epochs = f"{outcome.epochs} of {run.total}"
    done = outcome.status + (f": {outcome.note}" if outcome.note else "")
    return (
        run.name,
        outcome.seed,
        run.arm,
        window,
        spaced(run.clock),
        epochs,
        done,
        duration(outcome.seconds),
    )


def runs_caption(results: Results) -> str:
    """How many runs are done, and how to read their table."""
    done = sum(outcome.status == "done" for outcome in results.outcomes)
    seeds = len(results.study.seeds)
    return (
        f"{done} of {len(results.outcomes)} runs are done: {len(results.study.runs)} kinds with {seeds} "
        f"seed{'s' if seeds != 1 else ''} each. A window is half-open, in epochs. Epochs that "
        "runs share were trained once, but count in the time of every run."
    )
