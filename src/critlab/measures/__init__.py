"""What is observed of a network: one measure a file, each a function of model, probe and options."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from critlab._core.imports import Before, Entry, Table
from critlab._core.lazy import submodules
from critlab.measures.options import (
    CurvatureOptions,
    DeadUnitsOptions,
    EffectiveRankOptions,
    FiltersOptions,
    FisherEmpiricalOptions,
    FisherLogDeterminantOptions,
    FisherNoiseOptions,
    FisherTraceOptions,
    GradientCovarianceOptions,
    GradientsOptions,
    WeightsOptions,
)
from critlab.measures.quantity import Quantity
from critlab.measures.reading import MeasureOptions, Probe, Reading
from critlab.measures.units.source_options import RelativeSourceVarianceOptions, UsableInformationOptions

__all__ = [
    "MEASURES",
    "CurvatureOptions",
    "DeadUnitsOptions",
    "EffectiveRankOptions",
    "FiltersOptions",
    "FisherEmpiricalOptions",
    "FisherLogDeterminantOptions",
    "FisherNoiseOptions",
    "FisherTraceOptions",
    "GradientCovarianceOptions",
    "GradientsOptions",
    "MeasureOptions",
    "Probe",
    "Quantity",
    "Reading",
    "RelativeSourceVarianceOptions",
    "UsableInformationOptions",
    "WeightsOptions",
]


MEASURES = Table(
    "measure",
    "critlab.measures",
    {
        "fisher_trace": Entry(
            "critlab.measures.fisher.trace:measure",
            FisherTraceOptions,
            "Achille, Rovere and Soatto 2019, section 3, figures 4 and 5; estimator: ours",
            version=3,  # in the precision of training; with all labels in place of drawn ones
            before=Before(2, "their stated error is too small where training has converged"),
        ),
        "fisher_noise": Entry(
            "critlab.measures.fisher.noise:measure",
            FisherNoiseOptions,
            "Achille and Soatto 2018; Achille, Rovere and Soatto 2019, figure 4; layerwise weighing: ours",
        ),
        "fisher_empirical": Entry(
            "critlab.measures.fisher.empirical:measure",
            FisherEmpiricalOptions,
            "Kunstner, Balles and Hennig 2019; estimator: ours",
            version=2,
            before=Before(1, "their stated error is several times too large"),
        ),
        "fisher_log_determinant": Entry(
            "critlab.measures.fisher.log_determinant:measure",
            FisherLogDeterminantOptions,
            "Achille, Rovere and Soatto 2019, section 3; factors: Martens and Grosse 2015, Grosse and Martens 2016",
            version=2,
            before=Before(1, "a shared weight counts twice, and a layer that is not called counts as 0"),
        ),
        "curvature": Entry(
            "critlab.measures.gradients.curvature:measure",
            CurvatureOptions,
            "Jastrzebski et al. 2020; by Lanczos 1950",
        ),
        "gradient_covariance": Entry(
            "critlab.measures.gradients.covariance:measure",
            GradientCovarianceOptions,
            "Jastrzebski et al. 2020",
        ),
        "gradients": Entry(
            "critlab.measures.gradients.moments:measure",
            GradientsOptions,
            "Achille, Rovere and Soatto 2019, appendix; signal to noise: Shwartz-Ziv and Tishby 2017",
        ),
        "dead_units": Entry(
            "critlab.measures.units.dead_units:measure",
            DeadUnitsOptions,
            "Dohare et al. 2024",
        ),
        "effective_rank": Entry(
            "critlab.measures.units.effective_rank:measure",
            EffectiveRankOptions,
            "Roy and Vetterli 2007; Dohare et al. 2024",
        ),
        "weights": Entry(
            "critlab.measures.weights.norms:measure",
            WeightsOptions,
            "Dohare et al. 2024; path: ours",
        ),
        "filters": Entry(
            "critlab.measures.weights.filters:measure",
            FiltersOptions,
            "Achille, Rovere and Soatto 2019, appendix",
        ),
        "relative_source_variance": Entry(
            "critlab.measures.units.source_variance:measure",
            RelativeSourceVarianceOptions,
            "Kleinman, Achille and Soatto 2023, figure 4; over all pairs: ours",
        ),
        "usable_information": Entry(
            "critlab.measures.units.usable_information:measure",
            UsableInformationOptions,
            "Kleinman, Achille and Soatto 2023, usable information; parts: Barrett 2015",
        ),
    },
)

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

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name in FUNCTIONS:
            return getattr(import_module(f"critlab.measures.{FUNCTIONS[name]}"), name)
        return submodules(__name__)(name)
