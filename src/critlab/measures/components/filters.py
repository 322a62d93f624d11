"""The filters of the first layer as pictures, and their norm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from critlab.measures.measure import Measure
from critlab.measures.quantity import Quantity

if TYPE_CHECKING:
    from torch import nn

    from critlab.measures.reading import Probe, Reading


class Filters(Measure):
    """The filters of the first layer as pictures, and their norm.

    Args:
        filters: how many are kept at most, the first ones.
        layer: an ``nn.Conv2d`` or ``nn.Linear`` by its name in the model; None is the first.
    """

    name: ClassVar[str] = "filters"
    citation: ClassVar[str] = "Achille, Rovere and Soatto 2019, appendix"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("filter_norm", "Root mean square norm of the filters", by="layer", least=0),
    )
    neutral: ClassVar[Mapping[str, Any]] = {"layer": None}
    # only the shape of an image matters
    images: ClassVar[int] = 1
    filters: int = Field(default=64, ge=1)
    layer: str | None = None

    def measure(self, model: nn.Module, probe: Probe) -> list[Reading]:
        """See :func:`critlab.measures.weights.filters.measure`."""
        from critlab.measures.weights.filters import measure

        return measure(model, probe, self)
