"""The mean, deviation, norm and signal-to-noise ratio of each layer's gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from critlab.measures.measure import BatchMeasure
from critlab.measures.quantity import Quantity

if TYPE_CHECKING:
    from torch import nn

    from critlab.measures.reading import Probe, Reading


class Gradients(BatchMeasure):
    """The mean, deviation, norm and signal-to-noise ratio of each layer's gradient."""

    name: ClassVar[str] = "gradients"
    citation: ClassVar[str] = "Achille, Rovere and Soatto 2019, appendix; signal to noise: Shwartz-Ziv and Tishby 2017"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("gradient_mean", "Mean of the gradient", "nats", by="layer"),
        Quantity("gradient_deviation", "Standard deviation of the gradient", "nats", log=True, by="layer", least=0),
        Quantity("gradient_norm", "Norm of the mean gradient", "nats", log=True, by="layer", least=0),
        Quantity("gradient_signal_to_noise", "Gradient signal-to-noise ratio", log=True, by="layer", least=0),
    )

    def measure(self, model: nn.Module, probe: Probe) -> list[Reading]:
        """See :func:`critlab.measures.gradients.moments.measure`."""
        from critlab.measures.gradients.moments import measure

        return measure(model, probe, self)
