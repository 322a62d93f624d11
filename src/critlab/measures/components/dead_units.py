"""The fraction of rectified units that are zero on every image."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from critlab.measures.measure import ProbeMeasure
from critlab.measures.quantity import Quantity

if TYPE_CHECKING:
    from torch import nn

    from critlab.measures.reading import Probe, Reading


class DeadUnits(ProbeMeasure):
    """The fraction of rectified units that are zero on every image."""

    name: ClassVar[str] = "dead_units"
    citation: ClassVar[str] = "Dohare et al. 2024"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("dead_units", "Fraction of dead units", by="layer", better="lower", least=0, most=1),
    )

    def measure(self, model: nn.Module, probe: Probe) -> list[Reading]:
        """See :func:`critlab.measures.units.dead_units.measure`."""
        from critlab.measures.units.dead_units import measure

        return measure(model, probe, self)
