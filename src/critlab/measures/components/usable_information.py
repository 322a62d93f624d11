"""The usable information about the label in both sources and in each alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from critlab.measures.measure import SourceMeasure
from critlab.measures.quantity import Quantity

if TYPE_CHECKING:
    from torch import nn

    from critlab.measures.reading import Probe, Reading


class UsableInformation(SourceMeasure):
    """The usable information about the label in both sources and in each alone.

    Args:
        images: how many; three forward passes each.
    """

    name: ClassVar[str] = "usable_information"
    citation: ClassVar[str] = "Kleinman, Achille and Soatto 2023, usable information; parts: Barrett 2015"
    likelihoods: ClassVar[tuple[str, ...]] = ("categorical",)
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("usable_information", "Usable information", "bits", by="source", better="higher"),
        Quantity(
            "source_accuracy", "Test accuracy by source", "fraction", by="source", better="higher", least=0, most=1
        ),
        Quantity("usable_information_part", "Parts of the usable information", "bits", by="part"),
    )
    images: int = Field(default=2000, ge=1)

    def measure(self, model: nn.Module, probe: Probe) -> list[Reading]:
        """See :func:`critlab.measures.units.usable_information.measure`."""
        from critlab.measures.units.usable_information import measure

        return measure(model, probe, self)
