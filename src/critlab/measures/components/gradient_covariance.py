"""The trace and the largest eigenvalue of the covariance of single images' gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from critlab.measures.measure import BatchMeasure, Before
from critlab.measures.quantity import Quantity

if TYPE_CHECKING:
    from torch import nn

    from critlab.measures.reading import Probe, Reading


class GradientCovariance(BatchMeasure):
    """The trace and the largest eigenvalue of the covariance of single images' gradients.

    Args:
        batch: images of four mini-batches; larger ones take less memory, and the largest eigenvalue is less exact.
    """

    name: ClassVar[str] = "gradient_covariance"
    version: ClassVar[int | str] = 2
    before: ClassVar[Before | None] = Before(1, "the largest eigenvalue is up to 3.5 times too large")
    citation: ClassVar[str] = "Jastrzebski et al. 2020; what is taken off the eigenvalue: ours"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("gradient_covariance", "Trace of the gradient covariance", "nats²", log=True, by="layer", least=0),
        Quantity(
            "gradient_covariance_top", "Largest eigenvalue of the gradient covariance", "nats²", log=True, least=0
        ),
    )

    def measure(self, model: nn.Module, probe: Probe) -> list[Reading]:
        """See :func:`critlab.measures.gradients.covariance.measure`."""
        from critlab.measures.gradients.covariance import measure

        return measure(model, probe, self)
