"""The figures of the theories by name."""

from __future__ import annotations

from critlab.presets.deep_linear import FIGURES as DEEP_LINEAR
from critlab.presets.deep_linear_figure import Figure

THEORIES: dict[str, Figure] = {**DEEP_LINEAR}
