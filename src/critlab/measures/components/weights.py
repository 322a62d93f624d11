"""The norm of the weights, their distance from initialisation, and the length of their path."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from critlab.measures.measure import Measure
from critlab.measures.quantity import Quantity

if TYPE_CHECKING:
    from torch import nn

    from critlab.measures.reading import Probe, Reading


class Weights(Measure):
    """The norm of the weights, their distance from initialisation, and the length of their path."""

    name: ClassVar[str] = "weights"
    citation: ClassVar[str] = "Dohare et al. 2024; path: ours"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("weight_norm", "Norm of the weights", by="layer", least=0),
        Quantity("weight_distance", "Distance of the weights from initialisation", by="layer", least=0),
        Quantity("weight_path", "Path length of the weights", least=0),
    )
    images: ClassVar[int] = 1

    def measure(self, model: nn.Module, probe: Probe) -> list[Reading]:
        """See :func:`critlab.measures.weights.norms.measure`."""
        from critlab.measures.weights.norms import measure

        return measure(model, probe, self)
