"""Any reading of a sweep beside its clean run: over seeds, and as the difference from the control of the same seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from critlab.analysis.inference import Summary, summarise

if TYPE_CHECKING:
    from critlab.analysis.results import Results
    from critlab.analysis.table import Outcome

When = Literal["removal", "end"]
BySeed = Mapping[int, float]


@dataclass(frozen=True)
class Beside:
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
    at: int | str
    epoch: int
    value: Summary
    difference: Summary | None


def beside_control(results: Results, quantity: str, layer: str = "", when: When = "end") -> tuple[Beside, ...]:
    """A reading of every run with a deficit, and of the control, in the order of the sweep.

    Args:
        results: of a study.
        quantity: of the tidy table.
        layer: likewise.
        when: at each run's ``"end"``, beside the end of the first clean run that it is compared with; or at the
            ``"removal"`` of its deficit, beside that clean run at the same epoch. Points without a reading there are
            left out.
    """
    points: list[Beside] = []
    controls: dict[int, float] = {}
    for run in results.study.runs:
        if run.role not in ("deficit", "negative_control"):
            continue
        own = _read(results, run.name, quantity, layer, run.total if when == "end" else run.window.stop)
        clean = next((other for other in results.study.runs if other.name == run.controls[0][1]), None)
        held: dict[int, float] = {}
        if clean is not None:
            held = _read(results, clean.name, quantity, layer, clean.total if when == "end" else run.window.stop)
            if when == "end":
                controls |= held
        if own:
            both = [own[seed] - held[seed] for seed in own if seed in held]
            epoch = run.total if when == "end" else run.window.stop
            change = summarise(both) if both else None
            points.append(Beside(run.arm, run.at, epoch, summarise(list(own.values())), change))
    if controls:
        total = min(run.total for run in results.study.runs if run.role == "control")
        points.insert(0, Beside("control", 0, total, summarise(list(controls.values())), None))
    return tuple(points)


def through_training(results: Results, run: str, quantity: str, layer: str = "") -> dict[int, Summary]:
    """A reading of one kind of run at every epoch at which it was taken, over the seeds that are done.

    Args:
        results: of a study.
        run: its name, without the seed.
        quantity: of the tidy table.
        layer: likewise.
    """
    found: dict[int, list[float]] = {}
    for outcome in _done(results, run):
        for row in results.by_run[outcome.name]:
            if row.quantity == quantity and row.layer == layer:
                found.setdefault(row.epoch, []).append(row.value)
    return {epoch: summarise(values) for epoch, values in sorted(found.items())}


def _read(results: Results, run: str, quantity: str, layer: str, epoch: int) -> dict[int, float]:
    return {
        row.seed: row.value
        for outcome in _done(results, run)
        for row in results.by_run[outcome.name]
        if (row.quantity, row.layer, row.epoch) == (quantity, layer, epoch)
    }


def _done(results: Results, run: str) -> list[Outcome]:
    return [outcome for outcome in results.outcomes if outcome.run.name == run and outcome.status == "done"]
