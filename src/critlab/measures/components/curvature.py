"""The largest eigenvalue of the Hessian of the loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from critlab.measures.measure import LikelihoodMeasure
from critlab.measures.quantity import Quantity

if TYPE_CHECKING:
    from torch import nn

    from critlab.measures.reading import Probe, Reading


class Curvature(LikelihoodMeasure):
    """The largest eigenvalue of the Hessian of the loss.

    Args:
        tolerance: the iteration ends where the residual is no more than this part of the value.
        iterations: or after so many products at most.
    """

    name: ClassVar[str] = "curvature"
    citation: ClassVar[str] = "Jastrzebski et al. 2020; by Lanczos 1950"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("curvature", "Largest eigenvalue of the Hessian", "nats", log=True),
    )
    images: int = Field(default=256, ge=1)
    tolerance: float = Field(default=1e-2, gt=0, lt=1)
    iterations: int = Field(default=40, ge=1)

    def measure(self, model: nn.Module, probe: Probe) -> list[Reading]:
        """See :func:`critlab.measures.gradients.curvature.measure`."""
        from critlab.measures.gradients.curvature import measure

        return measure(model, probe, self)
