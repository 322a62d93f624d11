"""The relative source variance: which of two sources each unit responds to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from critlab.measures.measure import SourceMeasure
from critlab.measures.quantity import Quantity

if TYPE_CHECKING:
    from torch import nn

    from critlab.measures.reading import Probe, Reading


class RelativeSourceVariance(SourceMeasure):
    """The relative source variance: which of two sources each unit responds to.

    Args:
        images: how many; each of their first views is shown with each of their second, so time grows with the square.
        layer: whose output is read, a name in the model's ``named_modules()``; None is the model's own choice.
        units: each channel at each position is a unit, or each channel's mean over positions.
    """

    name: ClassVar[str] = "relative_source_variance"
    citation: ClassVar[str] = "Kleinman, Achille and Soatto 2023, figure 4; over all pairs: ours"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("relative_source_variance", "Median relative source variance", least=-1, most=1),
        Quantity(
            "relative_source_variance_share",
            "Units by the source they respond to",
            "fraction",
            by="source",
            least=0,
            most=1,
        ),
        Quantity("relative_source_variance_bimodality", "Bimodality of the relative source variance"),
        Quantity(
            "relative_source_variance_histogram",
            "Histogram of the relative source variance",
            "fraction of units",
            by="relative source variance",
            least=0,
            most=1,
        ),
    )
    neutral: ClassVar[Mapping[str, Any]] = {"layer": None, "units": "positions"}
    images: int = Field(default=64, ge=2)
    layer: str | None = None
    units: Literal["positions", "channels"] = "positions"

    def measure(self, model: nn.Module, probe: Probe) -> list[Reading]:
        """See :func:`critlab.measures.units.source_variance.measure`."""
        from critlab.measures.units.source_variance import measure

        return measure(model, probe, self)
