"""critlab: the laboratory for critical learning periods in deep networks.

The public names are loaded when they are first used, so that importing critlab costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from critlab.analysis.results import Results as Results
    from critlab.estimate import Estimate as Estimate
    from critlab.hooks.deficit_loader import DeficitLoader as DeficitLoader
    from critlab.hooks.harm import harm as harm
    from critlab.hooks.probe import probe as probe
    from critlab.hooks.watch import Watch as Watch
    from critlab.measures.estimates import total as total
    from critlab.measures.fisher_empirical import fisher_empirical as fisher_empirical
    from critlab.measures.fisher_noise import fisher_noise as fisher_noise
    from critlab.measures.fisher_trace import fisher_trace as fisher_trace
    from critlab.measures.partial_information import partial_information as partial_information
    from critlab.measures.source_variance import relative_source_variance as relative_source_variance
    from critlab.measures.usable_information import usable_information as usable_information
    from critlab.report import report as report
    from critlab.running import run as run
    from critlab.study import Base as Base
    from critlab.study import Intervention as Intervention
    from critlab.study import Study as Study
    from critlab.study import Switch as Switch
    from critlab.study import read_study as read_study
    from critlab.study import removal as removal
    from critlab.study import windows as windows

__version__ = "0.1.0"

_WHERE = {
    "Base": "critlab.study",
    "DeficitLoader": "critlab.hooks.deficit_loader",
    "Estimate": "critlab.estimate",
    "Intervention": "critlab.study",
    "Results": "critlab.analysis.results",
    "Study": "critlab.study",
    "Switch": "critlab.study",
    "Watch": "critlab.hooks.watch",
    "fisher_empirical": "critlab.measures.fisher_empirical",
    "fisher_noise": "critlab.measures.fisher_noise",
    "fisher_trace": "critlab.measures.fisher_trace",
    "harm": "critlab.hooks.harm",
    "probe": "critlab.hooks.probe",
    "partial_information": "critlab.measures.partial_information",
    "read_study": "critlab.study",
    "relative_source_variance": "critlab.measures.source_variance",
    "removal": "critlab.study",
    "report": "critlab.report",
    "run": "critlab.running",
    "total": "critlab.measures.estimates",
    "usable_information": "critlab.measures.usable_information",
    "windows": "critlab.study",
}
_ROOMS = (
    "analysis",
    "data",
    "deficits",
    "engine",
    "hooks",
    "kernels",
    "linear",
    "measures",
    "models",
    "objectives",
    "presets",
    "store",
    "study",
    "training",
)

__all__ = [*_WHERE, *_ROOMS]


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(_WHERE[name]), name)
    if name in _ROOMS:
        return importlib.import_module(f"critlab.{name}")
    raise AttributeError(f"module 'critlab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
