"""critlab: the laboratory for critical learning periods in deep networks.

The public names are loaded when they are first used, so that importing critlab costs nothing.
"""

from __future__ import annotations

import importlib

# what typing.TYPE_CHECKING is, without that import: the command imports nothing before it has settled where from
TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any

    from critlab._core.estimate import Estimate as Estimate
    from critlab.analysis.results import Results as Results
    from critlab.hooks.deficit_loader import DeficitLoader as DeficitLoader
    from critlab.hooks.harm import harm as harm
    from critlab.hooks.probe import probe as probe
    from critlab.hooks.watch import Watch as Watch
    from critlab.measures.estimates import total as total
    from critlab.measures.fisher.empirical import fisher_empirical as fisher_empirical
    from critlab.measures.fisher.log_determinant import fisher_log_determinant as fisher_log_determinant
    from critlab.measures.fisher.noise import fisher_noise as fisher_noise
    from critlab.measures.fisher.trace import fisher_trace as fisher_trace
    from critlab.measures.gradients.covariance import gradient_covariance as gradient_covariance
    from critlab.measures.gradients.curvature import curvature as curvature
    from critlab.measures.gradients.moments import gradients as gradients
    from critlab.measures.units.dead_units import dead_units as dead_units
    from critlab.measures.units.effective_rank import effective_rank as effective_rank
    from critlab.measures.units.partial_information import partial_information as partial_information
    from critlab.measures.units.source_variance import relative_source_variance as relative_source_variance
    from critlab.measures.units.usable_information import usable_information as usable_information
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
    "Estimate": "critlab._core.estimate",
    "Intervention": "critlab.study",
    "Results": "critlab.analysis.results",
    "Study": "critlab.study",
    "Switch": "critlab.study",
    "Watch": "critlab.hooks.watch",
    "curvature": "critlab.measures.gradients.curvature",
    "dead_units": "critlab.measures.units.dead_units",
    "effective_rank": "critlab.measures.units.effective_rank",
    "fisher_empirical": "critlab.measures.fisher.empirical",
    "fisher_log_determinant": "critlab.measures.fisher.log_determinant",
    "fisher_noise": "critlab.measures.fisher.noise",
    "fisher_trace": "critlab.measures.fisher.trace",
    "gradient_covariance": "critlab.measures.gradients.covariance",
    "gradients": "critlab.measures.gradients.moments",
    "harm": "critlab.hooks.harm",
    "partial_information": "critlab.measures.units.partial_information",
    "probe": "critlab.hooks.probe",
    "read_study": "critlab.study",
    "relative_source_variance": "critlab.measures.units.source_variance",
    "removal": "critlab.study",
    "report": "critlab.report",
    "run": "critlab.running",
    "total": "critlab.measures.estimates",
    "usable_information": "critlab.measures.units.usable_information",
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
