"""The figures of the two theories: deep linear networks and critical feature learning."""

from __future__ import annotations

from critlab.presets.theory import Theory

THEORIES: dict[str, Theory] = {}
