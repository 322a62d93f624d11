"""Which contrasts that could show a critical period the runs of a study do not give, why, and what they cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from critlab.study.runs.estimands import EstimandName, named_contrasts, rates_match
from critlab.study.runs.timing_windows import timing_points
from critlab.study.runs.tree import build
from critlab.study.study import Study
from critlab.study.types import Place

Reason = Literal["off", "switch", "no_restarted_clock", "rate_differs", "rate_unknown", "other_points", "longer"]
"""Why a contrast is missing: its control is switched off; a switch is on in the window, which no frozen run can have;
no clock gives the recovery the newborn's learning rates; the windows differ in their learning rate, or nothing says
what it is; the controls are at other points than the damage; runs with the deficit train longer than the control."""


@dataclass(frozen=True)
class MissingContrast:
    """A contrast that could show a critical period, and that the study's runs do not give.

    Args:
        name: which.
        at: where it would be; for ``timing`` the first onset.
        reason: why it is missing.
        key: the key of the study that decides it, such as ``controls.delay``.
        epochs: further epochs that it costs for each seed; for ``timing`` those of a study with another clock; 0 where
            it cannot be had.
    """

    name: EstimandName
    at: Place
    reason: Reason
    key: str
    epochs: int


def missing_contrasts(study: Study) -> tuple[MissingContrast, ...]:
    """The contrasts of kind ``critical`` that the sweep allows and the runs of ``study`` do not give.

    ``timing`` is missing where the learning rates of the first and the last window differ, or where its runs have
    different lengths and no frozen runs say what the lost time costs.
    """
    return tuple(_missing(study, {one.name for one in named_contrasts(study) if one.kind == "critical"}))


def _missing(study: Study, there: set[EstimandName]) -> Iterator[MissingContrast]:
    held = study.controls.at or study.sweep.control_points
    points = [at for at in held if at in study.sweep.treated and study.sweep.tested(at)]
    if not points:
        yield from _at_other_points(study, there)
        return
    at = points[-1]
    if "harm" not in there:
        added = study.model_copy(update={"controls": study.controls.model_copy(update={"clocks": None})})
        if "harm" in {one.name for one in named_contrasts(added)}:
            yield MissingContrast("harm", at, "off", "controls.clocks", _further(study, added))
        else:
            yield MissingContrast("harm", at, "no_restarted_clock", "optimizer.clock", 0)
    if "beyond_delay" not in there:
        yield from _without_delay(study, at, "harm" in there)
    onsets = timing_points(study.sweep)
    if onsets is not None and "timing" not in there:
        yield _without_timing(study, onsets)


def _without_timing(study: Study, onsets: tuple[Place, Place]) -> MissingContrast:
    """``timing``: the learning rates of its windows differ, or the lost time of one of them is not known."""
    if not rates_match(study):
        reason: Reason = "rate_differs" if study.optimizer.schedule_known else "rate_unknown"
        return MissingContrast("timing", onsets[0], reason, "optimizer.clock", build(study).epochs)
    if not _may_freeze(study):
        return MissingContrast("timing", onsets[0], "switch", "switch", 0)
    chosen = study.controls.at
    at = None if chosen is None else tuple(one for one in study.sweep.points if one in (*chosen, *onsets))
    added = study.model_copy(update={"controls": study.controls.model_copy(update={"delay": True, "at": at})})
    epochs = _further(study, added)
    if chosen is None or at == chosen:
        return MissingContrast("timing", onsets[0], "off", "controls.delay", epochs)
    lacking = next(one for one in onsets if one not in chosen)
    return MissingContrast("timing", lacking, "other_points", "controls.at", epochs)


def _may_freeze(study: Study) -> bool:
    """Whether a run may be frozen in the window: nothing but the learning rate is switched there."""
    return study.switch is None or set(study.switch.special()) == {"lr_factor"}


def _at_other_points(study: Study, there: set[EstimandName]) -> Iterator[MissingContrast]:
    """What is missing where ``controls.at`` names no point that a verdict is about: the default point is to add."""
    chosen, default = study.controls.at, study.sweep.control_points[-1:]
    if chosen is None or not default:
        return
    at = tuple(one for one in study.sweep.points if one in (*chosen, *default))
    added = study.model_copy(update={"controls": study.controls.model_copy(update={"at": at})})
    given = {one.name for one in named_contrasts(added) if one.kind == "critical"} - there
    names: tuple[EstimandName, ...] = ("harm", "beyond_delay")
    for name in names:
        if name in given:
            yield MissingContrast(name, default[0], "other_points", "controls.at", _further(study, added))
    yield from _missing(added, there | given)


def _without_delay(study: Study, at: Place, harm: bool) -> Iterator[MissingContrast]:
    """``beyond_delay``, unless it would be the same contrast as ``harm``."""
    added = study.model_copy(update={"controls": study.controls.model_copy(update={"delay": True})})
    found = {one.name for one in named_contrasts(added) if one.kind == "critical"}
    if harm and "beyond_delay" not in found:
        return
    if not _may_freeze(study):
        yield MissingContrast("beyond_delay", at, "switch", "switch", 0)
    elif not study.controls.delay:
        yield MissingContrast("beyond_delay", at, "off", "controls.delay", _further(study, added))


def _further(study: Study, added: Study) -> int:
    """Epochs for each seed that ``added`` needs in addition to those of ``study``."""
    return len(build(added).nodes.keys() - build(study).nodes.keys())
