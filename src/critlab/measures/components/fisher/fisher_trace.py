"""The trace of the Fisher information: how much the answers depend on the weights, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from critlab.measures.measure import Before, LikelihoodMeasure
from critlab.measures.quantity import Quantity

if TYPE_CHECKING:
    from torch import nn

    from critlab.measures.reading import Probe, Reading


class FisherTrace(LikelihoodMeasure):
    """The trace of the Fisher information: how much the answers depend on the weights, layer by layer.

    Args:
        draws: draws of signs for each image; the error shrinks with its root, the time grows with it.
    """

    name: ClassVar[str] = "fisher_trace"
    version: ClassVar[int | str] = 3  # in the precision of training; with all labels in place of drawn ones
    before: ClassVar[Before | None] = Before(2, "their stated error is too small where training has converged")
    citation: ClassVar[str] = "Achille, Rovere and Soatto 2019, section 3, figures 4 and 5; estimator: ours"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("fisher_trace", "Trace of the Fisher information", "nats²", log=True, by="layer", least=0),
    )
    neutral: ClassVar[Mapping[str, Any]] = {**LikelihoodMeasure.neutral, "draws": 1}
    draws: int = Field(default=1, ge=1)

    def measure(self, model: nn.Module, probe: Probe) -> list[Reading]:
        """See :func:`critlab.measures.fisher.trace.measure`."""
        from critlab.measures.fisher.trace import measure

        return measure(model, probe, self)
