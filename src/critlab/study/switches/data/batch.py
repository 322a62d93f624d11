"""Another batch size in the window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from critlab._core.problems import shown
from critlab.study.switches.switch import Found, Switch

if TYPE_CHECKING:
    from critlab.study.setup import Setup


class Batch(Switch):
    """The images of one step, in place of the optimiser's; ``lr_factor`` scales the learning rate with it."""

    name: ClassVar[str] = "batch"
    citation: ClassVar[str] = "Smith et al. 2018"
    tried: ClassVar[bool] = False
    value: int = Field(ge=1)

    def usual(self, base: Setup) -> Any:
        """The optimiser's."""
        return base.optimizer.batch

    def misfits(self, base: Setup) -> Found:
        """More images than there are, or one alone with BatchNorm."""
        yield from super().misfits(base)
        sizes = base.data.sizes()
        if sizes is not None and self.value > sizes.train:
            yield (), f"received {shown(self.value)}; must be at most {sizes.train}, the number of training images"
        if self.value == 1 and getattr(base.model, "batch_norm", False):
            text = "received 1; must be at least 2, because this model's BatchNorm cannot process a single image"
            yield (), text

    def batch_size(self, usual: int) -> int:
        """This one."""
        return self.value
