"""The effective rank of each layer's features."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from critlab.measures.measure import ProbeMeasure
from critlab.measures.quantity import Quantity

if TYPE_CHECKING:
    from torch import nn

    from critlab.measures.reading import Probe, Reading


class EffectiveRank(ProbeMeasure):
    """The effective rank of each layer's features."""

    name: ClassVar[str] = "effective_rank"
    citation: ClassVar[str] = "Roy and Vetterli 2007; Dohare et al. 2024"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("effective_rank", "Effective rank of the features", "directions", by="layer", least=0),
    )

    def measure(self, model: nn.Module, probe: Probe) -> list[Reading]:
        """See :func:`critlab.measures.units.effective_rank.measure`."""
        from critlab.measures.units.effective_rank import measure

        return measure(model, probe, self)
