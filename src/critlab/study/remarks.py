"""What a person should know of a study before it is trained, although it can be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from critlab._core.problems import shown
from critlab.study.checks import deficits
from critlab.study.runs.recipe import recipes
from critlab.study.schedules import schedule

if TYPE_CHECKING:
    from critlab.study.study import Study

HELD = ("negative_control", "clock_control", "intervention_control")
"""The roles of runs that may stand at any point of ``controls.at``."""


def training_remarks(study: Study) -> list[str]:
    """One line for a last step of an epoch with fewer batches, and one for a schedule that keeps runs from sharing."""
    found: list[str] = []
    optimizer, batches = study.optimizer, study.batches()
    if rest := batches % optimizer.accumulate:
        last = f"an epoch has {batches:,} batches, so its last step has {rest} of {optimizer.accumulate}"
        found.append(f"optimizer.accumulate: {last}")
    totals = {run.total for run in study.runs if run.role == "deficit"}
    if schedule(optimizer.clock).over_the_run and len(totals) > 1:
        shared = "their warm-up" if optimizer.warmup else "nothing"
        text = f"{optimizer.clock} depends on the length of a run, so runs of different length share {shared}"
        found.append(f'optimizer.clock: {text}; with clock = "wsd" they share the epochs before the decay')
    return found


def unused_remarks(study: Study) -> list[str]:
    """One line for each key that was given and changes nothing, where refusing it would lose finished studies."""
    return [*_unused_rates(study), *_unused_controls(study)]


def _unused_rates(study: Study) -> Iterator[str]:
    optimizer = study.optimizer
    clocks = dict.fromkeys(run.clock for run in study.runs)
    if optimizer.lr_decay != 1 and all(schedule(clock).ignores_decay for clock in clocks):
        text = f"received {optimizer.lr_decay:g}, but clock {shown(optimizer.clock)} does not use it; omit it"
        yield f"optimizer.lr_decay: {text}"
    decay = max(recipe.weight_decay for run in study.runs for recipe in recipes(run, study))
    for key, needed in optimizer.options.unused(optimizer.momentum, decay):
        text = f"received {shown(getattr(optimizer.options, key))}, which does nothing without {needed}; omit it"
        yield f"optimizer.{key}: {text}"


def _unused_controls(study: Study) -> Iterator[str]:
    controls, own = study.controls, study.optimizer.clock
    if own in (controls.clocks or ()):
        yield f"controls.clocks: received {shown(own)}, the study's own clock, which adds no run; omit it"
    by_default = controls.delay or controls.clocks is None
    tested = [at for at in controls.at or () if at in study.sweep.treated and study.sweep.tested(at)]
    if controls.at and not (by_default and tested) and not any(run.role in HELD for run in study.runs):
        yield f"controls.at: received {shown(controls.at)}, where no control has a run; add a point, or omit it"


def deficit_remarks(study: Study, example_shape: tuple[int, ...]) -> list[str]:
    """One line for each deficit that does something else than its options say.

    Args:
        study: its deficits are looked at.
        example_shape: of one example, after padding; the deficits can be applied to such.
    """
    found = []
    for location, deficit in deficits(study):
        remark = deficit.remark(example_shape if deficit.source is None else example_shape[1:])
        if remark:
            found.append(f"{'.'.join(map(str, location))}: {deficit.name} {remark}")
    return found
