"""critlab: the laboratory for critical learning periods in deep networks.

The public names are loaded when they are first used, so that importing critlab costs nothing.
"""

from __future__ import annotations

import importlib

# what typing.TYPE_CHECKING is, without that import: the command imports nothing before it has settled where from
TYPE_CHECKING = False

if TYPE_CHECKING:
    from critlab._core.estimate import Estimate as Estimate
    from critlab.analysis.results import Results as Results
    from critlab.hooks.deficit_loader import DeficitLoader as DeficitLoader
    from critlab.hooks.lasting_damage import lasting_damage as lasting_damage
    from critlab.hooks.probe import probe as probe
    from critlab.hooks.watch import Watch as Watch
    from critlab.measures.fisher.trace import fisher_trace as fisher_trace
    from critlab.measures.units.source_variance import relative_source_variance as relative_source_variance
    from critlab.report import report as report
    from critlab.report.figures import save_figures as save_figures
    from critlab.running import load_results as load_results
    from critlab.running import plan as plan
    from critlab.running import run as run
    from critlab.study import BackgroundDeficit as BackgroundDeficit
    from critlab.study import Intervention as Intervention
    from critlab.study import Setup as Setup
    from critlab.study import Study as Study
    from critlab.study import WindowOverride as WindowOverride
    from critlab.study import read_study as read_study
    from critlab.study import removal_sweep as removal_sweep
    from critlab.study import window_sweep as window_sweep

__version__ = "0.1.0"

_WHERE = {
    "BackgroundDeficit": "critlab.study",
    "DeficitLoader": "critlab.hooks.deficit_loader",
    "Estimate": "critlab._core.estimate",
    "Intervention": "critlab.study",
    "Results": "critlab.analysis.results",
    "Setup": "critlab.study",
    "Study": "critlab.study",
    "Watch": "critlab.hooks.watch",
    "WindowOverride": "critlab.study",
    "fisher_trace": "critlab.measures.fisher.trace",
    "lasting_damage": "critlab.hooks.lasting_damage",
    "load_results": "critlab.running",
    "plan": "critlab.running",
    "probe": "critlab.hooks.probe",
    "read_study": "critlab.study",
    "relative_source_variance": "critlab.measures.units.source_variance",
    "removal_sweep": "critlab.study",
    "report": "critlab.report",
    "run": "critlab.running",
    "save_figures": "critlab.report.figures",
    "window_sweep": "critlab.study",
}
_EARLIER = {
    "Background": ("critlab.study", "BackgroundDeficit"),
    "Base": ("critlab.study", "Setup"),
    "Switch": ("critlab.study", "WindowOverride"),
    "curvature": ("critlab.measures", "hessian_top_eigenvalue"),
    "dead_units": ("critlab.measures", "dead_units"),
    "effective_rank": ("critlab.measures", "effective_rank"),
    "fisher_empirical": ("critlab.measures", "fisher_empirical"),
    "fisher_log_determinant": ("critlab.measures", "fisher_log_determinant"),
    "fisher_noise": ("critlab.measures", "fisher_noise"),
    "gradient_covariance": ("critlab.measures", "gradient_covariance"),
    "gradients": ("critlab.measures", "gradient_moments"),
    "harm": ("critlab.hooks.lasting_damage", "lasting_damage"),
    "partial_information": ("critlab.measures", "partial_information"),
    "removal": ("critlab.study", "removal"),
    "total": ("critlab.measures", "total"),
    "usable_information": ("critlab.measures", "usable_information"),
    "windows": ("critlab.study", "windows"),
}
"""Names of version 0.1.0, kept for one release."""

_ROOMS = ("deficits", "hooks", "kernels", "linear", "measures", "models", "papers")

__all__ = [*_WHERE, *_ROOMS]


def __getattr__(name: str) -> object:
    if name in _WHERE:
        return getattr(importlib.import_module(_WHERE[name]), name)
    if name in _EARLIER:
        module, now = _EARLIER[name]
        return getattr(importlib.import_module(module), now)
    from critlab._core.lazy import submodules

    return submodules("critlab")(name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
