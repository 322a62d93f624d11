"""What a person should know of a study before it is trained, although it can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from critlab.study.checks import deficits
from critlab.study.schedules import schedule
from critlab.study.unused_keys import unused_remarks as unused_remarks

if TYPE_CHECKING:
    from critlab.study.study import Study


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
