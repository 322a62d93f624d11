"""What is observed of a network: one measure a file, each a frozen class of options with ``measure``."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from critlab._core.lazy import submodules
from critlab._core.registry import Registry
from critlab.measures.components.curvature import Curvature
from critlab.measures.components.dead_units import DeadUnits
from critlab.measures.components.effective_rank import EffectiveRank
from critlab.measures.components.filters import Filters
from critlab.measures.components.fisher_empirical import FisherEmpirical
from critlab.measures.components.fisher_log_determinant import FisherLogDeterminant
from critlab.measures.components.fisher_noise import FisherNoise
from critlab.measures.components.fisher_trace import FisherTrace
from critlab.measures.components.gradient_covariance import GradientCovariance
from critlab.measures.components.gradients import Gradients
from critlab.measures.components.relative_source_variance import RelativeSourceVariance
from critlab.measures.components.usable_information import UsableInformation
from critlab.measures.components.weights import Weights
from critlab.measures.measure import Before, Measure
from critlab.measures.quantity import Quantity
from critlab.measures.reading import Probe, Reading

__all__ = [
    "MEASURES",
    "Before",
    "Curvature",
    "DeadUnits",
    "EffectiveRank",
    "Filters",
    "FisherEmpirical",
    "FisherLogDeterminant",
    "FisherNoise",
    "FisherTrace",
    "GradientCovariance",
    "Gradients",
    "Measure",
    "Probe",
    "Quantity",
    "Reading",
    "RelativeSourceVariance",
    "UsableInformation",
    "Weights",
]

MEASURES: Registry[type[Measure]] = Registry(
    "measure",
    Measure,
    "critlab.measures",
    {
        "fisher_trace": "critlab.measures.components.fisher_trace:FisherTrace",
        "fisher_noise": "critlab.measures.components.fisher_noise:FisherNoise",
        "fisher_empirical": "critlab.measures.components.fisher_empirical:FisherEmpirical",
        "fisher_log_determinant": "critlab.measures.components.fisher_log_determinant:FisherLogDeterminant",
        "curvature": "critlab.measures.components.curvature:Curvature",
        "gradient_covariance": "critlab.measures.components.gradient_covariance:GradientCovariance",
        "gradients": "critlab.measures.components.gradients:Gradients",
        "dead_units": "critlab.measures.components.dead_units:DeadUnits",
        "effective_rank": "critlab.measures.components.effective_rank:EffectiveRank",
        "weights": "critlab.measures.components.weights:Weights",
        "filters": "critlab.measures.components.filters:Filters",
        "relative_source_variance": "critlab.measures.components.relative_source_variance:RelativeSourceVariance",
        "usable_information": "critlab.measures.components.usable_information:UsableInformation",
    },
    classes=True,
)
"""The measures by name."""

FUNCTIONS = {
    "dead_units": "units.dead_units",
    "effective_rank": "units.effective_rank",
    "fisher_empirical": "fisher.empirical",
    "fisher_log_determinant": "fisher.log_determinant",
    "fisher_noise": "fisher.noise",
    "fisher_trace": "fisher.trace",
    "gradient_covariance": "gradients.covariance",
    "gradient_moments": "gradients.moments",
    "hessian_top_eigenvalue": "gradients.curvature",
    "partial_information": "units.partial_information",
    "relative_source_variance": "units.source_variance",
    "total": "estimates",
    "usable_information": "units.usable_information",
}
"""The measures as functions of a model, imported when they are first used: they bring torch in."""

_EARLIER = {f"{path.partition(':')[2]}Options": path.partition(":")[2] for path in MEASURES.rows.values()}
"""Names of version 0.1.0, kept for one release."""

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name in _EARLIER:
            return globals()[_EARLIER[name]]
        if name in FUNCTIONS:
            return getattr(import_module(f"critlab.measures.{FUNCTIONS[name]}"), name)
        return submodules(__name__)(name)
