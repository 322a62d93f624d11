"""The sweeps of the figures: as published at ``paper`` scale, with the controls of the named damages below it.

A study has a delay control, a restarted learning rate and sparse tests by default. At ``paper`` scale a figure has the
controls that the paper has, and no others. Below it the default controls are added to those that the figure names, so
that its answer rests on named damages. They only add runs: results without them stay valid, and a store that holds
them trains the missing controls. All figures are tested after every epoch, as they were before tests were sparse.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from critlab.deficits import Deficit
from critlab.papers.figure import Scale
from critlab.study import constructors
from critlab.study.setup import Setup
from critlab.study.study import Study

AS_PUBLISHED: Mapping[str, Any] = {"delay": False, "clocks": ()}


def removal_sweep(
    scale: Scale, deficit: Deficit | None, *, controls: Mapping[str, Any] | None = None, **parts: Any
) -> Study:
    """As :func:`critlab.removal_sweep`, with the controls of the scale, and tested after every epoch."""
    return constructors.removal_sweep(deficit, controls=_controls(scale, controls), **tested_always(**parts))


def window_sweep(
    scale: Scale, deficit: Deficit | None, *, controls: Mapping[str, Any] | None = None, **parts: Any
) -> Study:
    """As :func:`critlab.window_sweep`, with the controls of the scale, and tested after every epoch."""
    return constructors.window_sweep(deficit, controls=_controls(scale, controls), **tested_always(**parts))


def _controls(scale: Scale, named: Mapping[str, Any] | None) -> dict[str, Any]:
    return {**(AS_PUBLISHED if scale == "paper" else {}), **(named or {})}


def tested_always(setup: Setup, **parts: Any) -> dict[str, Any]:
    """The parts of a study with a test after every epoch, unless the set-up says otherwise."""
    chosen = setup.evaluation
    every = {} if "every" in chosen.model_fields_set else {"every": 1}
    return {"setup": setup, "evaluation": chosen.model_copy(update=every), **parts}
