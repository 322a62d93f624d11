"""Options of the measures that know several sources: torch-free."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from critlab._core.errors import StudyError
from critlab.measures.quantity import Quantity
from critlab.measures.reading import MeasureOptions


class SourceOptions(MeasureOptions):
    """What every measure of sources has: clean, class-balanced images, the same for all runs and epochs.

    Args:
        split: the test images, or the training images without augmentation.
    """

    neutral: ClassVar[Mapping[str, Any]] = {"split": "test"}
    split: Literal["train", "test"] = "test"

    def check(self, example_shape: tuple[int, ...]) -> None:
        """Raises StudyError unless examples are ``(2, ...)``: two sources."""
        if len(example_shape) < 2 or example_shape[0] != 2:
            raise StudyError(
                f"needs examples of two sources (2, ...), received examples of shape {tuple(example_shape)}; "
                "take other data, such as two_view, or leave it out"
            )


class RelativeSourceVarianceOptions(SourceOptions):
    """Options of the relative source variance.

    Args:
        images: how many; each of their first views is shown with each of their second, so time grows with the square.
        layer: whose output is read, a name in the model's ``named_modules()``; None is the model's own choice.
        units: each channel at each position is a unit, or each channel's mean over positions.
    """

    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("relative_source_variance", "Median relative source variance"),
        Quantity("relative_source_variance_share", "Units by the source they respond to", "fraction", by="source"),
        Quantity("relative_source_variance_bimodality", "Bimodality of the relative source variance"),
        Quantity(
            "relative_source_variance_histogram",
            "Histogram of the relative source variance",
            "fraction of units",
            by="relative source variance",
        ),
    )
    neutral: ClassVar[Mapping[str, Any]] = {"layer": None, "units": "positions"}
    images: int = Field(default=64, ge=2)
    layer: str | None = None
    units: Literal["positions", "channels"] = "positions"


class UsableInformationOptions(SourceOptions):
    """Options of the usable information.

    Args:
        images: how many; three forward passes each.
    """

    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("usable_information", "Usable information", "bits", by="source", better="higher"),
        Quantity("source_accuracy", "Test accuracy by source", "fraction", by="source", better="higher"),
        Quantity("usable_information_part", "Parts of the usable information", "bits", by="part"),
    )
    images: int = Field(default=2000, ge=1)
