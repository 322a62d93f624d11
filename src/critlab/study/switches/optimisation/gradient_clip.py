"""A limit of the gradient's norm in the window."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from critlab.study.switches.switch import Switch, Trained
from critlab.study.types import MOST_RATE

if TYPE_CHECKING:
    from critlab.study.setup import Setup


class GradientClip(Switch):
    """The largest norm of the gradient of all weights in a step; a longer gradient is shortened to it."""

    name: ClassVar[str] = "gradient_clip"
    citation: ClassVar[str] = "Pascanu, Mikolov and Bengio 2013, algorithm 1"
    tried: ClassVar[bool] = False
    recorded: ClassVar[bool] = True
    value: float = Field(gt=0, le=MOST_RATE)

    def usual(self, base: Setup) -> Any:
        """The optimiser's."""
        return base.optimizer.gradient_clip

    def clip(self) -> float:
        """The value."""
        return self.value

    @contextmanager
    def scope(self, trained: Trained) -> Iterator[None]:
        """Shorten the gradient before each step; weight decay is added later, by the optimiser."""
        from torch.nn.utils import clip_grad_norm_

        weights = [one for group in trained.optimizer.param_groups for one in group["params"]]

        def clip(*_: object) -> None:
            clip_grad_norm_(weights, self.value)

        hook = trained.optimizer.register_step_pre_hook(clip)
        try:
            yield
        finally:
            hook.remove()
