"""When to switch: a study with the present time and the tolerance of the person who asks."""

from __future__ import annotations

from critlab._core.errors import StudyError
from critlab.analysis.timing.of_study import timing_sweep
from critlab.study.study import Study


def asked_when(study: Study, present: int | None = None, tolerance: float | None = None) -> Study:
    """``study`` with a present time, which becomes one of its points, and a tolerance.

    Args:
        study: its sweep must be one over switch times.
        present: the epoch at which the switch is flipped today, up to the length of training, which is never.
        tolerance: the largest loss that does not matter, in the unit of the study's metric.

    Raises:
        StudyError: the sweep is of another kind, or a value does not fit.
    """
    sweep, final = timing_sweep(study.sweep), study.statistics.final_epochs
    if present is not None and not (0 <= present <= sweep.end - final or present == sweep.end):
        allowed = f"must be from 0 to {sweep.end - final}, or {sweep.end} for never"
        raise StudyError(f"--present: received {present}; {allowed}")
    metric = study.metric
    if metric.in_points and tolerance is not None and not 0 < tolerance < 1:
        must = f"must be a fraction of {metric.title} above 0 and below 1"
        raise StudyError(f"--tolerance: received {tolerance:g}; {must}")
    if tolerance is not None and not tolerance > 0:
        raise StudyError(f"--tolerance: received {tolerance:g}; must be above 0, in the unit of {metric.title}")
    if present not in (None, *(sweep.flip_time(at) for at in sweep.points)):
        assert present is not None
        study = study.model_copy(update={"sweep": sweep.including(present)})
    given = {"present": present, "tolerance": tolerance}
    updated = {key: value for key, value in given.items() if value is not None}
    if not updated:
        return study
    return study.model_copy(update={"statistics": study.statistics.model_copy(update=updated)})
