"""The table of a study's runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from critlab._core.terminal.duration import duration
from critlab.analysis.tables.results import Results
from critlab.analysis.tables.table import Outcome
from critlab.report.chart import Cell
from critlab.report.sections.filters import arm_names
from critlab.report.sections.tables import table
from critlab.report.text.names import plain_arm, spaced

RUN_COLUMNS = ("Run", "Seed", "Arm", "Window", "Clock", "Epochs", "Outcome", "Time")


def runs_part(results: Results) -> Mapping[str, Any]:
    """The table of runs, and by row what the filters go by and the seconds that its last column is sorted by."""
    names = arm_names(results)
    about = [
        {
            "arm": names.get(outcome.run.arm, "") if not outcome.run.clean else "",
            "at": "" if outcome.run.clean else str(outcome.run.at),
            "seed": str(outcome.seed),
            "seconds": str(outcome.seconds),
        }
        for outcome in results.outcomes
    ]
    rows = table([_cells(outcome) for outcome in results.outcomes])
    return {
        "caption": _caption(results),
        "columns": RUN_COLUMNS,
        "rows": list(zip(rows.cells, about, strict=True)),
        "numeric": rows.numeric,
    }


def _cells(outcome: Outcome) -> tuple[Cell, ...]:
    run = outcome.run
    window = f"[{run.window.start}, {run.window.stop})" if not run.clean else "none"
    epochs = f"{outcome.epochs} of {run.total}"
    done = outcome.status + (f": {outcome.note}" if outcome.note else "")
    return (
        run.name,
        outcome.seed,
        plain_arm(run.arm),
        window,
        spaced(run.clock),
        epochs,
        done,
        duration(outcome.seconds),
    )


def _caption(results: Results) -> str:
    done = sum(outcome.status == "done" for outcome in results.outcomes)
    seeds = len(results.study.seeds)
    return (
        f"{done} of {len(results.outcomes)} runs are done: {len(results.study.runs)} kinds with {seeds} "
        f"seed{'s' if seeds != 1 else ''} each. A window is half-open, in epochs. Epochs that "
        "runs share were trained once, but count in the time of every run."
    )
