"""The sweeps of the figures: with the controls that a figure names, and no others.

A study has a delay control and a restarted learning rate by default. The figures were run and judged without them, so
their studies, costs and stored results stay as they are until a figure is judged again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from critlab.deficits import Deficit
from critlab.study import constructors
from critlab.study.study import Study

AS_PUBLISHED: Mapping[str, Any] = {"delay": False, "clocks": ()}


def removal_sweep(deficit: Deficit | None, *, controls: Mapping[str, Any] | None = None, **parts: Any) -> Study:
    """As :func:`critlab.removal_sweep`, without default controls."""
    return constructors.removal_sweep(deficit, controls={**AS_PUBLISHED, **(controls or {})}, **parts)


def window_sweep(deficit: Deficit | None, *, controls: Mapping[str, Any] | None = None, **parts: Any) -> Study:
    """As :func:`critlab.window_sweep`, without default controls."""
    return constructors.window_sweep(deficit, controls={**AS_PUBLISHED, **(controls or {})}, **parts)
