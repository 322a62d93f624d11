"""An average of the weights that is tested in place of the weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from critlab.study.switches.switch import Switch

if TYPE_CHECKING:
    from torch import Tensor, nn

    from critlab.study.setup import Setup


class ExponentialAverage(Switch):
    """Tests evaluate an exponential average of the weights and running statistics; the value is its decay in a step.

    The average begins with the weights that the window finds, and again where an intervention changes them. Training
    does not see it. Measures read the weights themselves.
    """

    name: ClassVar[str] = "ema"
    citation: ClassVar[str] = "Polyak and Juditsky 1992; exponential: Tarvainen and Valpola 2017"
    tried: ClassVar[bool] = False
    recorded: ClassVar[bool] = True
    value: float = Field(gt=0, lt=1)

    def usual(self, base: Setup) -> Any:
        """The study's."""
        return base.evaluation.ema

    def begun(self, model: nn.Module) -> dict[str, Tensor]:
        """A copy of every parameter and buffer that is a floating-point number."""
        return {name: value.detach().clone() for name, value in _floating(model).items()}

    def stepped(self, model: nn.Module, kept: Mapping[str, Tensor]) -> None:
        """``average <- decay * average + (1 - decay) * now``."""
        import torch

        now = _floating(model)
        with torch.no_grad():
            for name, average in kept.items():
                average.lerp_(now[name].detach(), 1 - self.value)

    def tested(self, model: nn.Module, kept: Mapping[str, Tensor]) -> nn.Module:
        """A copy of the network with the averages in place of its weights."""
        import copy

        import torch

        twin = copy.deepcopy(model)
        places = _floating(twin)
        with torch.no_grad():
            for name, average in kept.items():
                places[name].copy_(average)
        return twin


def _floating(model: nn.Module) -> dict[str, Tensor]:
    """Parameters and saved buffers that are floating-point numbers, by name."""
    from torch import Tensor

    saved = model.state_dict(keep_vars=True)
    return {name: value for name, value in saved.items() if isinstance(value, Tensor) and value.is_floating_point()}
