"""What is observed of a network: one measure a file, each a frozen class of options with ``measure``.

The measures are also functions of a model, such as :func:`fisher_trace`. They bring torch in, when they are first used.
"""

from critlab._core.loading.lazy import attach
from critlab._core.registry import Registry
from critlab.measures.measure import Measure

MEASURES: Registry[type[Measure]] = Registry(
    "measure",
    Measure,
    "critlab.measures",
    {
        "fisher_trace": "critlab.measures.components.fisher.fisher_trace:FisherTrace",
        "fisher_noise": "critlab.measures.components.fisher.fisher_noise:FisherNoise",
        "fisher_empirical": "critlab.measures.components.fisher.fisher_empirical:FisherEmpirical",
        "fisher_log_determinant": "critlab.measures.components.fisher.fisher_log_determinant:FisherLogDeterminant",
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

_EARLIER = {f"{path.partition(':')[2]}Options": tuple(path.split(":")) for path in MEASURES.rows.values()}
"""Names of version 0.1.0, kept for one release."""

__getattr__, __dir__, __all__ = attach(__name__, __file__, _EARLIER)
__all__ += ["MEASURES"]
