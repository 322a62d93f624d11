"""The controls that a new study has unless it says otherwise: a frozen run, and a restarted learning rate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from critlab._core.spec import Spec
from critlab.study.specs import ControlsSpec, Filled

if TYPE_CHECKING:
    from critlab.study.study import Study

STOPPED: Mapping[str, Any] = {"lr_factor": 0}
"""The only switch that a delay control goes with: the learning rate is 0 in the window."""


def with_default_controls(raw: Any) -> Any:
    """The values of a new study with ``controls.delay`` and ``controls.clocks``, where these are left out.

    ``delay`` is true, but false with a switch other than :data:`STOPPED`: what is switched would differ from the frozen
    run as well. ``clocks`` is None, the restarted clock. What is not a study stays as it is. Neither key then counts as
    set, so that a remark can say which were given.

    Args:
        raw: fields of a study, as plain values or as specifications.
    """
    if not isinstance(raw, Mapping):
        return raw
    controls = raw.get("controls", {})
    default = {"delay": stops_or_nothing(raw.get("switch")), "clocks": None}
    if isinstance(controls, ControlsSpec):
        missing = {key: value for key, value in default.items() if key not in controls.model_fields_set}
        filled = controls.model_copy(update=missing)
        filled.model_fields_set.difference_update(missing)
        return {**raw, "controls": filled}
    return {**raw, "controls": Filled(controls, default)} if isinstance(controls, Mapping) else raw


def as_recorded(study: Study, recorded: Mapping[str, Any]) -> Study:
    """``study`` without the default controls with which it was not run yet.

    Args:
        study: as it is asked now.
        recorded: the plain values with which a store knows it.
    """
    known = recorded.get("controls", {})
    updated: dict[str, Any] = {}
    if study.controls.delay and not known.get("delay", False):
        updated["delay"] = False
    if study.controls.clocks is None and known.get("clocks", ()) is not None:
        updated["clocks"] = tuple(known.get("clocks", ()))
    if not updated:
        return study
    return study.model_copy(update={"controls": study.controls.model_copy(update=updated)})


def stops_or_nothing(switch: Any) -> bool:
    """Whether ``switch`` (a specification or plain values) is None or only stops learning."""
    if switch is None:
        return True
    if isinstance(switch, Spec):
        switch = switch.special()
    return isinstance(switch, Mapping) and {k: v for k, v in switch.items() if v is not None} == STOPPED
