"""The empirical Fisher information: the mean squared gradient at the labels of the data, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from critlab.measures.measure import Before, LikelihoodMeasure
from critlab.measures.quantity import Quantity

if TYPE_CHECKING:
    from torch import nn

    from critlab.measures.reading import Probe, Reading


class FisherEmpirical(LikelihoodMeasure):
    """The empirical Fisher information: the mean squared gradient at the labels of the data, layer by layer.

    Args:
        draws: draws of signs for each image; the error shrinks with its root, the time grows with it.
    """

    name: ClassVar[str] = "fisher_empirical"
    version: ClassVar[int | str] = 2
    before: ClassVar[Before | None] = Before(1, "their stated error is several times too large")
    citation: ClassVar[str] = "Kunstner, Balles and Hennig 2019; estimator: ours"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity(
            "fisher_empirical", "Trace of the empirical Fisher information", "nats²", log=True, by="layer", least=0
        ),
    )
    neutral: ClassVar[Mapping[str, Any]] = {**LikelihoodMeasure.neutral, "draws": 1}
    draws: int = Field(default=1, ge=1)

    def measure(self, model: nn.Module, probe: Probe) -> list[Reading]:
        """See :func:`critlab.measures.fisher.empirical.measure`."""
        from critlab.measures.fisher.empirical import measure

        return measure(model, probe, self)
