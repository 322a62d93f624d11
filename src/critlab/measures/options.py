"""Options of the measures of weights and units: torch-free."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from critlab.measures.reading import MeasureOptions


class ProbeOptions(MeasureOptions):
    """Options of a measure that looks at class-balanced training images, the same for all runs and epochs.

    Args:
        images: how many there are.
        inputs: "clean" images, or "as_trained" with the deficit that the epoch had.
    """

    neutral: ClassVar[Mapping[str, Any]] = {"inputs": "clean"}
    images: int = Field(default=1024, ge=1)
    inputs: Literal["clean", "as_trained"] = "clean"


class FisherTraceOptions(ProbeOptions):
    """Options of the trace of the Fisher information.

    Args:
        draws: label draws for each image; the error shrinks with its root, the time grows with it.
    """

    neutral: ClassVar[Mapping[str, Any]] = {**ProbeOptions.neutral, "draws": 1}
    draws: int = Field(default=1, ge=1)


class FisherEmpiricalOptions(ProbeOptions):
    """Options of the empirical Fisher information.

    Args:
        draws: draws of signs for each image; the error shrinks with its root, the time grows with it.
    """

    neutral: ClassVar[Mapping[str, Any]] = {**ProbeOptions.neutral, "draws": 1}
    draws: int = Field(default=1, ge=1)
