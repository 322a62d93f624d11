"""What is observed of a network: one measure a file, each a function of model, probe and options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from critlab.entry import Entry, Table
from critlab.measures.reading import MeasureOptions, Probe, Reading
from critlab.measures.source_options import RelativeSourceVarianceOptions

__all__ = ["MEASURES", "FisherTraceOptions", "MeasureOptions", "Probe", "Reading", "RelativeSourceVarianceOptions"]


class FisherTraceOptions(MeasureOptions):
    """Options of the trace of the Fisher information.

    Args:
        images: how many training images it is averaged over: class-balanced, the same for all runs
            and epochs.
        draws: label draws for each image; the error shrinks with its root, the time grows with it.
        inputs: "clean" images, or "as_trained" with the deficit that the epoch had.
    """

    neutral: ClassVar[Mapping[str, Any]] = {"draws": 1, "inputs": "clean"}
    images: int = Field(default=1024, ge=1)
    draws: int = Field(default=1, ge=1)
    inputs: Literal["clean", "as_trained"] = "clean"


MEASURES = Table(
    "measure",
    "critlab.measures",
    {
        "fisher_trace": Entry(
            "critlab.measures.fisher_trace:measure",
            FisherTraceOptions,
            "Achille, Rovere and Soatto 2019, section 3, figures 4 and 5; estimator: ours",
        ),
        "relative_source_variance": Entry(
            "critlab.measures.source_variance:measure",
            RelativeSourceVarianceOptions,
            "Kleinman, Achille and Soatto 2023, figure 4; over all pairs: ours",
        ),
    },
)
