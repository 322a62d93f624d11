"""Any measured quantity of a sweep compared with its clean run: over seeds, and as the difference by seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from critlab.analysis.statistics import Summary, summarise
from critlab.analysis.tables.study_table import StudyTable
from critlab.analysis.tables.table import Outcome
from critlab.analysis.test_images import least_sd_of
from critlab.study.runs.run import Run
from critlab.study.types import Place

When = Literal["removal", "end"]


@dataclass(frozen=True)
class ControlComparison:
    """One point of a sweep.

    Args:
        arm: the curve that it belongs to; ``control`` is the clean run.
        at: removal epoch, onset, or ``"never"``; 0 for the control.
        epoch: at which it was read.
        value: over seeds.
        difference: from the control of the same seed, over the seeds that have both; None for the control itself, and
            where no seed has both.
    """

    arm: str
    at: Place
    epoch: int
    value: Summary
    difference: Summary | None


def compare_to_control(
    results: StudyTable, quantity: str, layer: str = "", when: When = "end", less: str | None = None
) -> tuple[ControlComparison, ...]:
    """A reading of every run with a deficit, and of the control, in the order of the sweep.

    Args:
        results: of a study.
        quantity: of the tidy table.
        layer: of the tidy table.
        when: at each run's ``"end"``, compared with the end of its first control; or at the ``"removal"`` of its
            deficit, compared with that control at the same epoch. Points without a reading there are left out.
        less: another layer, whose reading of the same seed and epoch is taken away.
    """

    def read(run: str, epoch: int) -> dict[int, float]:
        return _by_epoch(results, run, quantity, layer, less).get(epoch, {})

    least = least_sd_of(results, quantity)
    points: list[ControlComparison] = []
    controls: dict[int, float] = {}
    for run in results.study.runs:
        if run.role not in ("deficit", "negative_control"):
            continue
        own = read(run.name, run.total if when == "end" else run.window.stop)
        clean = results.run_named.get(run.controls[0].control)
        held: dict[int, float] = {}
        if clean is not None:
            held = read(clean.name, clean.total if when == "end" else run.window.stop)
            if when == "end":
                controls |= held
        if own:
            both = [own[seed] - held[seed] for seed in own if seed in held]
            epoch = run.total if when == "end" else run.window.stop
            change = summarise(both, least_sd_of(results, quantity, 2)) if both else None
            value = summarise(list(own.values()), least)
            points.append(ControlComparison(run.arm, run.at, epoch, value, change))
    if controls:
        total = min(run.total for run in results.study.runs if run.role == "control")
        points.insert(0, ControlComparison("control", 0, total, summarise(list(controls.values()), least), None))
    return tuple(points)


def through_training(results: StudyTable, run: str, quantity: str, layer: str = "") -> dict[int, Summary]:
    """A reading of one kind of run at every epoch at which it was taken, over the seeds that are done.

    Args:
        results: of a study.
        run: its name, without the seed.
        quantity: of the tidy table.
        layer: of the tidy table.
    """
    found = _by_epoch(results, run, quantity, layer)
    least = least_sd_of(results, quantity)
    return {epoch: summarise(list(values.values()), least) for epoch, values in sorted(found.items())}


def differences_through_training(
    results: StudyTable, run: Run, quantity: str, layer: str = "", less: str | None = None
) -> dict[int, Summary]:
    """A reading less that of the first control at the same epoch and seed, at every epoch at which both were taken.

    Args:
        results, quantity, layer, less: as of :func:`compare_to_control`.
        run: one with a deficit.
    """
    own, held = (_by_epoch(results, name, quantity, layer, less) for name in (run.name, run.controls[0].control))
    found = {}
    for epoch in sorted(own.keys() & held.keys()):
        seeds = own[epoch].keys() & held[epoch].keys()
        if seeds:
            both = [own[epoch][seed] - held[epoch][seed] for seed in sorted(seeds)]
            found[epoch] = summarise(both, least_sd_of(results, quantity, 2))
    return found


def _by_epoch(
    results: StudyTable, run: str, quantity: str, layer: str, less: str | None = None
) -> dict[int, dict[int, float]]:
    found: dict[int, dict[int, float]] = {}
    for outcome in _done(results, run):
        for row in results.by_run[outcome.name]:
            if row.quantity == quantity and row.layer == layer:
                found.setdefault(row.epoch, {})[row.seed] = row.value
    if less is None:
        return found
    away = _by_epoch(results, run, quantity, less)
    return {
        epoch: {seed: value - away[epoch][seed] for seed, value in values.items() if seed in away.get(epoch, {})}
        for epoch, values in found.items()
    }


def _done(results: StudyTable, run: str) -> list[Outcome]:
    return [outcome for outcome in results.outcomes_of.get(run, ()) if outcome.status == "done"]
