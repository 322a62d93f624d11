"""What is observed of a network: one measure a file, each a function of model, probe and options."""

from __future__ import annotations

from critlab.entry import Entry, Table
from critlab.measures.options import FisherEmpiricalOptions, FisherNoiseOptions, FisherTraceOptions
from critlab.measures.reading import MeasureOptions, Probe, Reading
from critlab.measures.source_options import RelativeSourceVarianceOptions, UsableInformationOptions

__all__ = [
    "MEASURES",
    "FisherEmpiricalOptions",
    "FisherNoiseOptions",
    "FisherTraceOptions",
    "MeasureOptions",
    "Probe",
    "Reading",
    "RelativeSourceVarianceOptions",
    "UsableInformationOptions",
]


MEASURES = Table(
    "measure",
    "critlab.measures",
    {
        "fisher_trace": Entry(
            "critlab.measures.fisher_trace:measure",
            FisherTraceOptions,
            "Achille, Rovere and Soatto 2019, section 3, figures 4 and 5; estimator: ours",
        ),
        "fisher_noise": Entry(
            "critlab.measures.fisher_noise:measure",
            FisherNoiseOptions,
            "Achille and Soatto 2018; Achille, Rovere and Soatto 2019, figure 4; layerwise weighing: ours",
        ),
        "fisher_empirical": Entry(
            "critlab.measures.fisher_empirical:measure",
            FisherEmpiricalOptions,
            "Kunstner, Balles and Hennig 2019; estimator: ours",
        ),
        "relative_source_variance": Entry(
            "critlab.measures.source_variance:measure",
            RelativeSourceVarianceOptions,
            "Kleinman, Achille and Soatto 2023, figure 4; over all pairs: ours",
        ),
        "usable_information": Entry(
            "critlab.measures.usable_information:measure",
            UsableInformationOptions,
            "Kleinman, Achille and Soatto 2023, usable information; parts: Barrett 2015",
        ),
    },
)
