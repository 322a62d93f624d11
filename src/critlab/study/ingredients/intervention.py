"""What is done to a network once, when the deficit has ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from critlab._core.spec import Spec
from critlab.study.types import MOST_RATE, sequence

Layer = Annotated[str, Field(min_length=1, max_length=200)]


class Intervention(Spec):
    """A change of the network before the first epoch after the window; the values left out change nothing.

    Args:
        shrink: factor of every trainable weight, from 0 to 1.
        perturb: how much of a freshly initialised network is added to the shrunken weights:
            ``w <- shrink * w + perturb * w_fresh``.
        reset_layers: modules, by name as ``model.named_modules()`` has it, that are initialised afresh with all that
            lies below them, running statistics included.
        optimizer: whether the optimiser keeps its momentum and moments, or they are dropped.

    Source: shrink and perturb: Ash and Adams 2020, "On warm-starting neural network training", who write
    ``shrink * w + N(0, sigma^2)`` with the same sigma for every weight; here the noise is a fresh initialisation, so
    that it has each layer's own scale.
    """

    neutral: ClassVar[Mapping[str, Any]] = {"shrink": 1.0, "perturb": 0.0, "reset_layers": [], "optimizer": "kept"}
    shrink: float = Field(default=1.0, ge=0, le=1)
    perturb: float = Field(default=0.0, ge=0, le=MOST_RATE)
    reset_layers: Annotated[tuple[Layer, ...], BeforeValidator(sequence)] = ()
    optimizer: Literal["kept", "dropped"] = "kept"

    @property
    def changes_nothing(self) -> bool:
        """Whether every value is neutral."""
        return not self.special()

    @property
    def changes_weights(self) -> bool:
        """Whether the network is another one afterwards, and not its optimiser alone."""
        return bool(self.special().keys() - {"optimizer"})

    def words(self) -> str:
        """In one word of a run's name, such as ``intervention(shrink=0.4, perturb=0.1)``."""
        if self.changes_nothing:
            return "no intervention"
        told = {k: "+".join(v) if isinstance(v, list) else v for k, v in self.special().items()}
        return f"intervention({', '.join(f'{k}={v}' for k, v in told.items())})"
