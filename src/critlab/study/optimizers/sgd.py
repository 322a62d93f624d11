"""Stochastic gradient descent, and its averaged form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from critlab._core.problems import Problems
from critlab.study.optimizers.optimizer import TorchOptimizer


class SGD(TorchOptimizer):
    """Gradient descent with momentum, 0.9 unless ``[optimizer] momentum`` says otherwise.

    Args:
        dampening: of the gradient in the momentum, from 0 to 1.
        nesterov: the look ahead; needs momentum and no dampening.
    """

    name: ClassVar[str] = "sgd"
    citation: ClassVar[str] = "Sutskever et al. 2013"
    torch_class: ClassVar[str] = "SGD"
    usual_momentum: ClassVar[float | None] = 0.9
    momentum_may_change: ClassVar[bool] = True
    neutral: ClassVar[Mapping[str, Any]] = {"dampening": 0.0, "nesterov": False}
    dampening: float = Field(default=0.0, ge=0, le=1)
    nesterov: bool = False

    @model_validator(mode="after")
    def _nesterov_without_dampening(self) -> Self:
        if self.nesterov and self.dampening:
            raise Problems([(("dampening",), f"received {self.dampening:g} with nesterov = true; omit one of them")])
        return self

    def unused(self, momentum: float | None, decay: float) -> Iterator[tuple[str, str]]:
        """Dampening, where there is no momentum to dampen."""
        if self.dampening and not momentum:
            yield "dampening", "a momentum above 0"

    def moments(self, momentum: float | None) -> int:
        """The momentum."""
        return 1 if momentum else 0


class ASGD(TorchOptimizer):
    """Averaged gradient descent; tests and measures read the weights themselves, not the average.

    Args:
        lambd: decay of the learning rate and of the weights.
        alpha: power of the learning rate's decay.
        t0: steps before averaging begins.
    """

    name: ClassVar[str] = "asgd"
    citation: ClassVar[str] = "Polyak and Juditsky 1992"
    torch_class: ClassVar[str] = "ASGD"
    neutral: ClassVar[Mapping[str, Any]] = {"lambd": 1e-4, "alpha": 0.75, "t0": 1e6}
    lambd: float = Field(default=1e-4, ge=0)
    alpha: float = Field(default=0.75, ge=0)
    t0: float = Field(default=1e6, ge=0)

    def moments(self, momentum: float | None) -> int:
        """The average."""
        return 1
