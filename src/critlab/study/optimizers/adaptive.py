"""Optimisers that divide by a running size of the gradient, or take its sign."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Field, model_validator

from critlab._core.problems import Problems, shown
from critlab.study.optimizers.optimizer import TorchOptimizer
from critlab.study.types import sequence


class Adagrad(TorchOptimizer):
    """The gradient over the root of the sum of its squares.

    Args:
        rate_decay: decay of the learning rate with the number of steps; ``lr_decay`` in torch, which is the
            schedule's name here.
        initial_accumulator_value: of the sum.
        eps: is added to the denominator.
    """

    name: ClassVar[str] = "adagrad"
    citation: ClassVar[str] = "Duchi, Hazan and Singer 2011"
    torch_class: ClassVar[str] = "Adagrad"
    neutral: ClassVar[Mapping[str, Any]] = {"rate_decay": 0.0, "initial_accumulator_value": 0.0, "eps": 1e-10}
    rate_decay: float = Field(default=0.0, ge=0)
    initial_accumulator_value: float = Field(default=0.0, ge=0)
    eps: float = Field(default=1e-10, ge=0)

    def arguments(self) -> dict[str, Any]:
        """With torch's name of the decay."""
        given = super().arguments()
        return {"lr_decay": given.pop("rate_decay"), **given}

    def moments(self, momentum: float | None) -> int:
        """The sum."""
        return 1


class Adadelta(TorchOptimizer):
    """Gradients in units of the weights; ``lr = 1`` is its usual rate.

    Args:
        rho: decay rate of the running squares, from 0 to 1.
        eps: is added to both roots.
    """

    name: ClassVar[str] = "adadelta"
    citation: ClassVar[str] = "Zeiler 2012"
    torch_class: ClassVar[str] = "Adadelta"
    neutral: ClassVar[Mapping[str, Any]] = {"rho": 0.9, "eps": 1e-6}
    rho: float = Field(default=0.9, ge=0, le=1)
    eps: float = Field(default=1e-6, ge=0)


class RMSprop(TorchOptimizer):
    """The gradient over the root of a running mean of its squares; ``[optimizer] momentum`` is 0 unless given.

    Args:
        alpha: decay rate of the running mean.
        eps: is added to the denominator.
        centered: divide by a running variance.
    """

    name: ClassVar[str] = "rmsprop"
    citation: ClassVar[str] = "Tieleman and Hinton 2012; centred: Graves 2013"
    torch_class: ClassVar[str] = "RMSprop"
    usual_momentum: ClassVar[float | None] = 0.0
    neutral: ClassVar[Mapping[str, Any]] = {"alpha": 0.99, "eps": 1e-8, "centered": False}
    alpha: float = Field(default=0.99, ge=0)
    eps: float = Field(default=1e-8, ge=0)
    centered: bool = False

    def moments(self, momentum: float | None) -> int:
        """The squares, and what momentum and centring keep."""
        return 1 + bool(momentum) + self.centered


Eta = Annotated[float, Field(gt=0)]


class Rprop(TorchOptimizer):
    """The sign of the gradient, with a step size of each weight's own; ``lr`` is the first one, so no clock changes it.

    Args:
        etas: factors of the step size after a change of sign (from 0 to 1) and without one (above 1).
        step_sizes: the smallest and the largest.
    """

    name: ClassVar[str] = "rprop"
    citation: ClassVar[str] = "Riedmiller and Braun 1993"
    torch_class: ClassVar[str] = "Rprop"
    usual_decay: ClassVar[float | None] = None
    follows_rate: ClassVar[bool] = False
    neutral: ClassVar[Mapping[str, Any]] = {"etas": [0.5, 1.2], "step_sizes": [1e-6, 50.0]}
    etas: Annotated[tuple[Eta, Eta], BeforeValidator(sequence)] = (0.5, 1.2)
    step_sizes: Annotated[tuple[Eta, Eta], BeforeValidator(sequence)] = (1e-6, 50.0)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        found = []
        if not self.etas[0] < 1 < self.etas[1]:
            text = f"received {shown(self.etas)}; must be a factor below 1 and one above 1"
            found.append((("etas",), text))
        if self.step_sizes[0] > self.step_sizes[1]:
            found.append((("step_sizes",), f"received {shown(self.step_sizes)}; must be increasing"))
        if found:
            raise Problems(found)
        return self


Eps = Annotated[float, Field(ge=0)]


class Adafactor(TorchOptimizer):
    """Adam without first moment, and with second moments of rows and columns alone.

    Args:
        beta2_decay: power of the step by which the running mean slows down, at most 0.
        eps: the smallest of squared gradients, and of the root mean square of weights; None is torch's own.
        d: the largest root mean square of an update.
    """

    name: ClassVar[str] = "adafactor"
    citation: ClassVar[str] = "Shazeer and Stern 2018"
    torch_class: ClassVar[str] = "Adafactor"
    neutral: ClassVar[Mapping[str, Any]] = {"beta2_decay": -0.8, "eps": None, "d": 1.0}
    beta2_decay: float = Field(default=-0.8, le=0)
    eps: Annotated[tuple[Eps, Eps] | None, BeforeValidator(sequence)] = None
    d: float = Field(default=1.0, ge=1)

    def arguments(self) -> dict[str, Any]:
        """Without ``eps`` where it is torch's own."""
        return {key: value for key, value in super().arguments().items() if value is not None}

    def moments(self, momentum: float | None) -> int:
        """Of a vector its variance; of a matrix much less."""
        return 1
