"""The log-determinant of the Fisher information, by Kronecker factors."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from critlab.measures.measure import Before, LikelihoodMeasure
from critlab.measures.quantity import Quantity

if TYPE_CHECKING:
    from torch import nn

    from critlab.measures.reading import Probe, Reading


class FisherLogDeterminant(LikelihoodMeasure):
    """The log-determinant of the Fisher information, by Kronecker factors.

    Args:
        damping: added to every eigenvalue, in nats squared for a squared unit of weight.
    """

    name: ClassVar[str] = "fisher_log_determinant"
    version: ClassVar[int | str] = 2
    before: ClassVar[Before | None] = Before(
        1, "a shared weight counts twice, and a layer that is not called counts as 0"
    )
    citation: ClassVar[str] = (
        "Achille, Rovere and Soatto 2019, section 3; factors: Martens and Grosse 2015, Grosse and Martens 2016"
    )
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("fisher_log_determinant", "Log-determinant of the Fisher information", "nats", by="layer"),
    )
    images: int = Field(default=256, ge=1)
    damping: float = Field(default=1e-3, gt=0)

    def measure(self, model: nn.Module, probe: Probe) -> list[Reading]:
        """See :func:`critlab.measures.fisher.log_determinant.measure`."""
        from critlab.measures.fisher.log_determinant import measure

        return measure(model, probe, self)
