"""The sweeps of the figures: with the controls that a figure names, and no others.

A study has a delay control, a restarted learning rate and sparse tests by default. The figures were run and judged
without them, so their studies, costs and stored results stay as they are until a figure is judged again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from critlab.deficits import Deficit
from critlab.study import constructors
from critlab.study.setup import Setup
from critlab.study.study import Study

AS_PUBLISHED: Mapping[str, Any] = {"delay": False, "clocks": ()}


def removal_sweep(deficit: Deficit | None, *, controls: Mapping[str, Any] | None = None, **parts: Any) -> Study:
    """As :func:`critlab.removal_sweep`, without default controls, and tested after every epoch."""
    parts = {**tested_always(**parts), "controls": {**AS_PUBLISHED, **(controls or {})}}
    return constructors.removal_sweep(deficit, **parts)


def window_sweep(deficit: Deficit | None, *, controls: Mapping[str, Any] | None = None, **parts: Any) -> Study:
    """As :func:`critlab.window_sweep`, without default controls, and tested after every epoch."""
    parts = {**tested_always(**parts), "controls": {**AS_PUBLISHED, **(controls or {})}}
    return constructors.window_sweep(deficit, **parts)


def tested_always(setup: Setup, **parts: Any) -> dict[str, Any]:
    """The parts of a study with a test after every epoch, unless the set-up says otherwise."""
    chosen = setup.evaluation
    every = {} if "every" in chosen.model_fields_set else {"every": 1}
    return {"setup": setup, "evaluation": chosen.model_copy(update=every), **parts}
