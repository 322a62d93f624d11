"""critlab: the laboratory for critical learning periods in deep networks.

The public names are loaded when they are first used, so that importing critlab costs nothing.
"""

from __future__ import annotations

import importlib

# what typing.TYPE_CHECKING is, without that import: the command imports nothing before it has settled where from
TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any

    from critlab.analysis.results import Results as Results
    from critlab.estimate import Estimate as Estimate
    from critlab.hooks.deficit_loader import DeficitLoader as DeficitLoader
    from critlab.hooks.harm import harm as harm
    from critlab.hooks.probe import probe as probe
    from critlab.hooks.watch import Watch as Watch
    from critlab.measures.curvature import curvature as curvature
    from critlab.measures.dead_units import dead_units as dead_units
    from critlab.measures.effective_rank import effective_rank as effective_rank
    from critlab.measures.estimates import total as total
    from critlab.measures.fisher_empirical import fisher_empirical as fisher_empirical
    from critlab.measures.fisher_log_determinant import fisher_log_determinant as fisher_log_determinant
    from critlab.measures.fisher_noise import fisher_noise as fisher_noise
    from critlab.measures.fisher_trace import fisher_trace as fisher_trace
    from critlab.measures.gradient_covariance import gradient_covariance as gradient_covariance
    from critlab.measures.gradients import gradients as gradients
    from critlab.measures.partial_information import partial_information as partial_information
    from critlab.measures.source_variance import relative_source_variance as relative_source_variance
    from critlab.measures.usable_information import usable_information as usable_information
    from critlab.report import report as report
    from critlab.running import run as run
    from critlab.study import Background as Background
    from critlab.study import Base as Base
    from critlab.study import Intervention as Intervention
    from critlab.study import Study as Study
    from critlab.study import Switch as Switch
    from critlab.study import read_study as read_study
    from critlab.study import removal as removal
    from critlab.study import windows as windows

__version__ = "0.1.0"

_WHERE = {
    "Background": "critlab.study",
    "Base": "critlab.study",
    "DeficitLoader": "critlab.hooks.deficit_loader",
    "Estimate": "critlab.estimate",
    "Intervention": "critlab.study",
    "Results": "critlab.analysis.results",
    "Study": "critlab.study",
    "Switch": "critlab.study",
    "Watch": "critlab.hooks.watch",
    "curvature": "critlab.measures.curvature",
    "dead_units": "critlab.measures.dead_units",
    "effective_rank": "critlab.measures.effective_rank",
    "fisher_empirical": "critlab.measures.fisher_empirical",
    "fisher_log_determinant": "critlab.measures.fisher_log_determinant",
    "fisher_noise": "critlab.measures.fisher_noise",
    "fisher_trace": "critlab.measures.fisher_trace",
    "gradient_covariance": "critlab.measures.gradient_covariance",
    "gradients": "critlab.measures.gradients",
    "harm": "critlab.hooks.harm",
    "partial_information": "critlab.measures.partial_information",
    "probe": "critlab.hooks.probe",
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
    "papers",
    "store",
    "study",
    "training",
)

__all__ = [*_WHERE, *_ROOMS]


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(_WHERE[name]), name)
    from critlab.lazy import submodules

    return submodules("critlab")(name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
