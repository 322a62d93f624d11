"""The trace of the Fisher information, estimated from the weight noise that each layer tolerates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from critlab.measures.measure import Before, LikelihoodMeasure
from critlab.measures.quantity import Quantity

if TYPE_CHECKING:
    from torch import nn

    from critlab.measures.reading import Probe, Reading


class FisherNoise(LikelihoodMeasure):
    """The trace of the Fisher information, estimated from the weight noise that each layer tolerates.

    Args:
        beta: twice the loss in nats that each layer's noise may add; smaller is nearer to the curvature at the weights.
        labels: "model": the noise may change the model's answers; "data": it may raise the loss, as in the papers, and
            the value is the Fisher information only after convergence.
        draws: pairs of draws for each group of images; the error shrinks with its root, the time grows with it.
    """

    name: ClassVar[str] = "fisher_noise"
    version: ClassVar[int | str] = 2
    before: ClassVar[Before | None] = Before(1, "they are too small where the model is sure of its answers")
    citation: ClassVar[str] = (
        "Achille and Soatto 2018; Achille, Rovere and Soatto 2019, figure 4; layerwise weighing: ours"
    )
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity(
            "fisher_noise", "Trace of the Fisher information, from weight noise", "nats", log=True, by="layer", least=0
        ),
    )
    neutral: ClassVar[Mapping[str, Any]] = {**LikelihoodMeasure.neutral, "labels": "model", "draws": 1}
    beta: float = Field(default=1e-3, gt=0)
    labels: Literal["model", "data"] = "model"
    draws: int = Field(default=1, ge=1)

    def measure(self, model: nn.Module, probe: Probe) -> list[Reading]:
        """See :func:`critlab.measures.fisher.noise.measure`."""
        from critlab.measures.fisher.noise import measure

        return measure(model, probe, self)
